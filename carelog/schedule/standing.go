package schedule

import "aftercare/carelog/calendar"

// Standing is where an open check-in stands on a day.
type Standing string

// The standings, in the order a check-in passes through them.
const (
	Upcoming Standing = "upcoming" // the window has not opened
	Due      Standing = "due"      // the window is open; a rest day after the due date still counts
	Overdue  Standing = "overdue"  // from the next working day after the due date
	Missed   Standing = "missed"   // the window has closed
)

// Chinese names the standing for people; an unknown one is empty.
func (s Standing) Chinese() string {
	switch s {
	case Upcoming:
		return "未到期"
	case Due:
		return "待回访"
	case Overdue:
		return "已逾期"
	case Missed:
		return "已错过"
	default:
		return ""
	}
}

// StandingOn says where a check-in that nobody has made stands on a day.
func (w Window) StandingOn(today calendar.Date, cal *calendar.Calendar) Standing {
	if today.Before(w.Opens) {
		return Upcoming
	}
	if today.After(w.Closes) {
		return Missed
	}
	if today.Before(cal.NextWorkday(w.Due)) {
		return Due
	}
	return Overdue
}
