package carelog

// spent is what a batch sends a number beside what its budget held before.
type spent struct {
	requests, answers map[string]int // by number
	through           map[string]int // by the number of a party, for the carrier's caps
	told              map[UserID]int
}

func newSpent() spent {
	return spent{map[string]int{}, map[string]int{}, map[string]int{}, map[UserID]int{}}
}

func (c claim) party() string { return string(c.phone) + c.user.String() }

// on is the claim with what the batch sends its number before it.
func (s spent) on(c claim) claim {
	requests := s.requests[string(c.phone)]
	c.staffTexts += s.told[c.user]
	c.today, c.week, c.answers = c.today+requests, c.week+requests, c.answers+s.answers[string(c.phone)]
	if c.capLeft != nil {
		left := *c.capLeft - s.through[c.party()]
		c.capLeft = &left
	}
	return c
}

// count counts a text of the claim's own, n times; -1 takes it back.
func (s spent) count(c claim, n int) {
	switch {
	case !c.user.IsZero():
		if c.budgeted() {
			s.told[c.user] += n
		}
	case c.purpose == "answer":
		s.answers[string(c.phone)] += n
	default:
		s.requests[string(c.phone)] += n
	}
	s.through[c.party()] += n
}

// judgeAll parts the claims that go out from the others. What goes out to a
// number counts in its budget for the rest of the batch, and is not said again in it.
func judgeAll(tx txn, claims []claim) (wanted []claim, others []judged, batch spent) {
	batch = newSpent()
	said := map[text]bool{}
	type group struct{ no, size int }
	groups, formed := map[company]*group{}, 0
	for _, c := range claims {
		c.saidToday = c.saidToday || !c.checkIn.IsZero() && said[c.says()]
		with := groups[company{c.contact, c.office}]
		c.joins = c.bundled && c.purpose == "village_request" && with != nil && with.size < mostTogether
		v := judge(batch.on(c), tx.now, tx.cal(c.office))
		switch {
		case v.dispatch != "sending":
			others = append(others, judged{c, v})
			continue
		case c.joins:
			with.size++
			c.together = with.no
		default:
			batch.count(c, 1)
			if c.user.IsZero() && c.purpose == "village_request" {
				formed++
				c.together = formed
				groups[company{c.contact, c.office}] = &group{formed, 1}
			}
		}
		said[c.says()] = true
		wanted = append(wanted, c)
	}
	return wanted, others, batch
}

// text is what is said to whom about which check-in.
type text struct {
	checkIn CheckInID
	contact ContactID
	user    UserID
	wording string
}

func (c claim) says() text { return text{c.checkIn, c.contact, c.user, c.wording} }
