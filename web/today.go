package web

import (
	"net/http"
	"net/url"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// listLength is how many check-ins a list shows before it asks to go on.
const listLength = 100

// dayList is one list of the day: a standing, and whose check-ins.
type dayList struct {
	Standing  string // overdue, due, upcoming
	Whose     string // mine, others, all
	Townships []township
	Count     int
	More      string // where the list goes on; empty: it is whole
}

// township is the check-ins of one township, so that a day's drive makes sense.
type township struct {
	Name     string
	CheckIns []carelog.CheckIn
}

// dayPage is what there is to do.
type dayPage struct {
	Today calendar.Date
	Lists []dayList
	Part  bool // a continued list alone
}

// today shows what is overdue, due and ahead: an officer's own first, then the
// rest of the office; a supervisor sees all in one.
func (s *console) today(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	if !by.Holds(carelog.ListWork) { // each of the administrators has something else to begin with
		first := "/account"
		switch {
		case by.HandlesAccounts():
			first = "/people"
		case by.Holds(carelog.ListContacts):
			first = "/contacts"
		}
		http.Redirect(w, r, first, http.StatusSeeOther)
		return nil
	}
	shown := dayPage{Today: calendar.Of(s.Log.Now())}
	wanted := []dayList{}
	for _, whose := range ownersFor(by) {
		for _, standing := range []string{"overdue", "due", "upcoming"} {
			wanted = append(wanted, dayList{Standing: standing, Whose: whose})
		}
	}
	query := r.URL.Query()
	if query.Has("list") {
		if wanted = only(wanted, query.Get("list"), query.Get("whose")); wanted == nil {
			return errNoPage
		}
		shown.Part = true
	}
	for _, list := range wanted {
		if err := s.fill(r, by, &list, query); err != nil {
			return err
		}
		shown.Lists = append(shown.Lists, list)
	}
	s.show(w, r, &by, http.StatusOK, page{Name: "today", Data: shown})
	return nil
}

func ownersFor(by carelog.Actor) []string {
	if by.Has(carelog.Officer) {
		return []string{"mine", "others"}
	}
	if !by.Holds(carelog.ListWork) { // an administrator: no lists of households
		return nil
	}
	return []string{"all"}
}

func only(lists []dayList, standing, whose string) []dayList {
	for _, list := range lists {
		if list.Standing == standing && list.Whose == whose {
			return []dayList{list}
		}
	}
	return nil
}

// fill reads a list from where the address says it goes on.
func (s *console) fill(r *http.Request, by carelog.Actor, list *dayList, query url.Values) error {
	filter := carelog.CheckInFilter{Standing: list.Standing, Limit: listLength + 1}
	switch list.Whose {
	case "mine":
		filter.Officer = by.User
	case "others":
		filter.Except = by.User
	}
	if query.Has("list") {
		var err error
		if filter.AfterDue, err = calendar.Parse(query.Get("due")); err != nil {
			return errNoPage
		}
		if err := parseID(query.Get("after"), &filter.AfterID); err != nil {
			return err
		}
	}
	found, err := s.Log.CheckIns(r.Context(), by, filter)
	if err != nil {
		return err
	}
	if len(found) > listLength {
		found = found[:listLength]
		last := found[listLength-1]
		list.More = "/?" + url.Values{
			"list": {list.Standing}, "whose": {list.Whose}, "due": {last.Due.String()}, "after": {last.ID.String()},
		}.Encode()
	}
	for _, c := range found {
		list.add(c)
	}
	return nil
}

// add keeps the townships in the order of their first due date.
func (l *dayList) add(c carelog.CheckIn) {
	l.Count++
	for i := range l.Townships {
		if l.Townships[i].Name == c.Township {
			l.Townships[i].CheckIns = append(l.Townships[i].CheckIns, c)
			return
		}
	}
	l.Townships = append(l.Townships, township{c.Township, []carelog.CheckIn{c}})
}
