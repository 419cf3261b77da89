package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// keeps asserts what must hold at every moment: P1, P2, and whole chains (P5).
func (c *county) keeps() {
	c.t.Helper()
	p := c.promises()
	require.Zero(c.t, p.Forgotten, "a plan is forgotten: %v", p.Plans)
	require.Zero(c.t, p.DroppedSilently, "a message was dropped silently: %v", p.Messages)
	require.Empty(c.t, c.broken())
}

// promises counts what breaks them now, the sweeps being up to date.
func (c *county) promises() carelog.Promises {
	c.t.Helper()
	p, err := c.work.Promises(c.ctx(), time.Time{})
	require.NoError(c.t, err)
	return p
}

// forgotten counts the plans that break P1 now. On a rest day the last working
// day's check-ins still count as due.
func (c *county) forgotten() int {
	c.t.Helper()
	return c.promises().Forgotten
}

// tasks counts the open tasks of a kind.
func (c *county) tasks(kind string) int {
	c.t.Helper()
	return c.count("SELECT count(*) FROM tasks WHERE kind = $1 AND state = 'open'", kind)
}

// to are the messages of a claim that go to a number.
func to(claimed carelog.Claimed, phone string) []carelog.Outgoing {
	var found []carelog.Outgoing
	for _, out := range claimed.Send {
		if out.To == phone {
			found = append(found, out)
		}
	}
	return found
}

// claim takes what is due, without any answer of the carrier yet.
func (c *county) claim() carelog.Claimed {
	c.t.Helper()
	claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
	require.NoError(c.t, err)
	return claimed
}

// answered records the same answer of the carrier to all of out.
func (c *county) answered(out []carelog.Outgoing, r carelog.Receipt) {
	c.t.Helper()
	var receipts []carelog.Receipt
	for _, o := range out {
		r.Outgoing = o
		if r.Class == carelog.Taken {
			r.CarrierMessageID = "SM" + o.ID.String()
		}
		receipts = append(receipts, r)
	}
	require.NoError(c.t, c.work.RecordReceipts(c.ctx(), receipts))
}

// plan lets the sweep plan what is to be planned.
func (c *county) plan() int {
	c.t.Helper()
	planned, err := c.work.PlanMessages(c.ctx(), 1000)
	require.NoError(c.t, err)
	return planned
}

// dispatch is where a message stands, and why.
func (c *county) dispatch(id carelog.MessageID) (state, reason string) {
	c.t.Helper()
	err := c.pool.QueryRow(c.ctx(), "SELECT dispatch, dispatch_reason FROM messages WHERE id = $1", id).Scan(&state, &reason)
	require.NoError(c.t, err)
	return state, reason
}

// asked is a county with one recipient whose village contact has just been asked.
func asked(t *testing.T) (c *county, made carelog.Enrolled, code string) {
	t.Helper()
	c = newCounty(t)
	made = c.enrol("A-1", 176) // half a year on Monday
	requests := to(c.send(), contactPhone)
	require.Len(t, requests, 1)
	return c, made, codeIn(t, requests[0].Text)
}

// village is the recipient's village check-in of the half year.
func (c *county) village(id carelog.RecipientID) carelog.CheckIn {
	c.t.Helper()
	for _, check := range c.checkIns(id, "") {
		if check.Step == "month-6-village" {
			return check
		}
	}
	c.t.Fatal("no village check-in")
	return carelog.CheckIn{}
}
