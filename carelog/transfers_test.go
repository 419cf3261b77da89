package carelog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
)

const secondPhone = "+8615400000205"

// offered is a county whose supervisor has just offered all of Li's plans to a
// colleague officer.
func offered(t *testing.T, plans int) (c *county, made []carelog.Enrolled, colleague carelog.Actor, act carelog.Transfer) {
	t.Helper()
	c = newCounty(t)
	colleague = c.addUser(c.office, "colleague", secondPhone, carelog.Officer)
	for n := range plans {
		made = append(made, c.enrol(fmt.Sprint("A-", n), 83)) // the visit of the third month is due on 1 December
	}
	act, err := c.app.TransferPlans(c.ctx(), c.boss, carelog.NewTransfer{From: "li", To: "colleague", Reason: "调离本院"})
	require.NoError(t, err)
	return c, made, colleague, act
}

func (c *county) officerOf(made carelog.Enrolled) carelog.UserID {
	c.t.Helper()
	plan, err := c.app.PlanOf(c.ctx(), c.boss, made.Recipient)
	require.NoError(c.t, err)
	return plan.Officer
}

func TestTransferPlans(t *testing.T) {
	t.Parallel()

	t.Run("SixtyPlansGoInOneActAndEachHistorySaysSo", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 60)
		require.Equal(t, 60, act.Open)
		require.Equal(t, c.officer.User, c.officerOf(made[7]), "until it is accepted the sender stays responsible")
		c.keeps()
		act, err := c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.NoError(t, err)
		require.Equal(t, []any{"ended", 0}, []any{act.State, act.Open})
		for _, m := range made {
			require.Equal(t, colleague.User, c.officerOf(m))
			require.Subset(t, c.kinds(m.Recipient), []string{"plan_transfer_proposed", "plan_transferred"})
		}
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND user_id = $1", c.officer.User))
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND user_id = $1", colleague.User))
		c.keeps()
		_, err = c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
	})

	t.Run("NobodyIsToldTheSameTwiceWhenAPlanComesBack", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 1)
		c.clock.set(calendar.New(2026, time.November, 26).At(9, 0)) // three working days before
		require.Len(t, to(c.send(), officerPhone), 1)
		hand := func(by carelog.Actor, id carelog.TransferID) {
			_, err := c.app.AcceptTransfer(c.ctx(), by, id, carelog.Acceptance{})
			require.NoError(t, err)
		}
		hand(colleague, act.ID)
		require.Len(t, to(c.send(), secondPhone), 1, "who takes over hears of what is due")
		back, err := c.app.TransferPlans(c.ctx(), colleague, carelog.NewTransfer{Plans: []carelog.PlanID{made[0].Plan}, To: "li", Reason: "回来了"})
		require.NoError(t, err)
		hand(c.officer, back.ID)
		require.Empty(t, c.send().Send)
		c.keeps()
	})

	t.Run("AnOpenAlertGoesOnWithTheNewOfficer", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		colleague := c.addUser(c.office, "colleague", secondPhone, carelog.Officer)
		c.reply(contactPhone, code+" 2 出事了")
		require.NotZero(t, c.count("SELECT count(*) FROM alerts WHERE state <> 'closed'"))
		require.NotEmpty(t, to(c.send(), officerPhone))
		act, err := c.app.TransferPlans(c.ctx(), c.officer, carelog.NewTransfer{Plans: []carelog.PlanID{made.Plan}, To: "colleague", Reason: "休假"})
		require.NoError(t, err)
		_, err = c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.NoError(t, err)
		require.Len(t, to(c.send(), secondPhone), c.count("SELECT count(*) FROM alerts WHERE state <> 'closed'"))
		c.keeps()
		act, err = c.app.TransferPlans(c.ctx(), c.boss, carelog.NewTransfer{Plans: []carelog.PlanID{made.Plan}, To: "li", Reason: "回来了"})
		require.NoError(t, err)
		_, err = c.app.AcceptTransfer(c.ctx(), c.officer, act.ID, carelog.Acceptance{})
		require.NoError(t, err)
		require.Empty(t, to(c.send(), officerPhone), "who was told of the alert knows of it")
		c.keeps()
	})

	t.Run("WhoMayAndWhoMayNot", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 1)
		offer := carelog.NewTransfer{Plans: []carelog.PlanID{made[0].Plan}, To: "colleague", Reason: "分工"}
		accept := func(by carelog.Actor) error {
			return second(c.app.AcceptTransfer(c.ctx(), by, act.ID, carelog.Acceptance{}))
		}
		for name, err := range map[string]error{
			"another officer's plans": second(c.app.TransferPlans(c.ctx(), colleague, offer)),
			"the sender accepts":      accept(c.officer),
			"the proposer accepts":    accept(c.boss),
			"an administrator":        accept(c.admin),
			"the receiver withdraws":  second(c.app.WithdrawTransfer(c.ctx(), colleague, act.ID, nil, "x")),
			"the sender declines":     second(c.app.DeclineTransfer(c.ctx(), c.officer, act.ID, nil, "x")),
		} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "%s: %v", name, err)
		}
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(c.app.TransferPlans(c.ctx(), c.boss, offer))), "one waits already")
		offer.To = "li"
		require.Equal(t, []string{"to"}, unmet(t, second(c.app.TransferPlans(c.ctx(), c.boss, offer))))
		other := c.addUser(c.office, "wu", "", carelog.Supervisor)
		require.NoError(t, accept(other), "a supervisor who did not propose it accepts for the officer")
	})

	t.Run("ADeclinedPlanStaysAndTheSenderHears", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 3)
		act, err := c.app.DeclineTransfer(c.ctx(), colleague, act.ID, []carelog.PlanID{made[1].Plan}, "与该户有亲属关系")
		require.NoError(t, err)
		require.Equal(t, 2, act.Open)
		_, err = c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.NoError(t, err)
		require.Equal(t, []carelog.UserID{colleague.User, c.officer.User, colleague.User}, []carelog.UserID{c.officerOf(made[0]), c.officerOf(made[1]), c.officerOf(made[2])})
		require.Equal(t, 1, c.tasks("transfer_declined"))
		require.Contains(t, c.kinds(made[1].Recipient), "plan_transfer_declined")
		c.keeps()
	})

	t.Run("AnOfferNobodyAnswersBecomesASupervisorsTask", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 2)
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.tasks("transfer_offered"))
		c.clock.set(act.AcceptBy.Add(-time.Minute))
		require.NoError(t, c.markOverdue())
		require.Zero(t, c.tasks("transfer_overdue"))
		c.clock.set(act.AcceptBy)
		require.NoError(t, c.markOverdue())
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.tasks("transfer_overdue"))
		require.Equal(t, c.officer.User, c.officerOf(made[0]))
		c.keeps()
		_, err := c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.NoError(t, err)
		require.Zero(t, c.tasks("transfer_overdue")+c.tasks("transfer_offered"))
	})

	t.Run("OfTwoAnswersAtOnceOneCounts", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 5)
		var group sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			group.Go(func() {
				if i%2 == 0 {
					errs[i] = second(c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{}))
				} else {
					errs[i] = second(c.app.WithdrawTransfer(c.ctx(), c.boss, act.ID, nil, "不移交了"))
				}
			})
		}
		group.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.Equal(t, carelog.Conflict, carelog.KindOf(err), "%v", err)
			}
		}
		require.Equal(t, 1, won)
		for _, m := range made {
			require.Equal(t, c.officerOf(made[0]), c.officerOf(m), "all or none")
		}
		c.keeps()
	})

	t.Run("AClosedPlanIsOfferedNoMore", func(t *testing.T) {
		t.Parallel()
		c, made, colleague, act := offered(t, 1)
		c.closed(made[0])
		_, err := c.app.AcceptTransfer(c.ctx(), colleague, act.ID, carelog.Acceptance{})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Zero(t, c.count("SELECT count(*) FROM transfers WHERE state = 'open'"))
	})
}

// neighbour is a county whose plan was offered to the office next door.
type neighbour struct {
	*county
	made    carelog.Enrolled
	there   carelog.OfficeID
	officer carelog.Actor // of the office there
	act     carelog.Transfer
}

var newVillage = carelog.VillageName{Township: "城关镇", Name: "东村"}

func newNeighbour(t *testing.T, paidDaysAgo int) neighbour {
	t.Helper()
	n := neighbour{county: newCounty(t)}
	n.there = n.addOffice("370321", "桓台县人民检察院", carelog.OfficeID{})
	n.officer = n.addUser(n.there, "qian", "+8615400000211", carelog.Officer)
	n.made = n.enrol("A-1", paidDaysAgo)
	act, err := n.app.TransferToOffice(n.ctx(), n.county.officer, n.made.Plan, "370321", "举家迁往桓台")
	require.NoError(t, err)
	n.act = act
	_, err = n.work.AddContact(n.ctx(), carelog.TheSystem(), carelog.NewContact{
		Verified: true, Office: n.there, Name: "吴某", Phone: "+8615400000212", Role: "committee_head", Villages: []carelog.VillageName{newVillage},
	})
	require.NoError(t, err)
	return n
}

func TestTransferToOffice(t *testing.T) {
	t.Parallel()

	t.Run("TheReceiverSeesWhoAndWhyAndNoMore", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 83)
		acts, err := n.app.Transfers(n.ctx(), n.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, acts, 1)
		plans, err := n.app.OfferedPlans(n.ctx(), n.officer, n.act.ID)
		require.NoError(t, err)
		require.Len(t, plans, 1)
		require.Equal(t, []string{"马某某", "举家迁往桓台", "G"}, []string{plans[0].MaskedName, plans[0].Reason, plans[0].Template})
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(n.app.PlanOf(n.ctx(), n.officer, n.made.Recipient))))
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(n.app.History(n.ctx(), n.officer, n.made.Recipient, 0, 10))))
		_, err = n.app.StartPlan(n.ctx(), n.officer, n.made.Plan)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		n.keeps()
	})

	t.Run("TheWholeFileMovesAndTheTextsAreTheNewOffices", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 176)
		n.exec("UPDATE check_ins SET state = 'overdue' WHERE recipient_id = $1 AND step = 'baseline'", n.made.Recipient)
		act, err := n.app.AcceptTransfer(n.ctx(), n.officer, n.act.ID, carelog.Acceptance{Village: newVillage})
		require.NoError(t, err)
		require.Equal(t, "ended", act.State)
		plan, err := n.app.PlanOf(n.ctx(), n.officer, n.made.Recipient)
		require.NoError(t, err)
		require.Equal(t, n.officer.User, plan.Officer)
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(n.app.PlanOf(n.ctx(), n.boss, n.made.Recipient))), "the sender lets go")
		page, err := n.app.History(n.ctx(), n.officer, n.made.Recipient, 0, 100)
		require.NoError(t, err)
		require.Equal(t, "plan_transfer_proposed plan_transferred", keepOrder(page, "plan_transfer_proposed", "plan_transferred"))
		require.Zero(t, n.count("SELECT count(*) FROM messages m JOIN users u ON u.id = m.user_id WHERE m.dispatch = 'planned' AND u.office_id = $1", n.office))
		require.Zero(t, n.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND contact_id IS NOT NULL"), "no contact is named there yet")
		require.NotZero(t, n.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND user_id = $1", n.officer.User))
		require.NotZero(t, n.count("SELECT count(*) FROM tasks WHERE kind = 'contact_missing' AND office_id = $1", n.there))
		require.Empty(t, to(n.send(), contactPhone))
		n.keeps()
		open, err := n.app.CheckIns(n.ctx(), n.officer, carelog.CheckInFilter{Recipient: n.made.Recipient, Standing: "open", Limit: 100})
		require.NoError(t, err)
		require.NotEmpty(t, open)
		_, err = n.app.RecordCheckIn(n.ctx(), n.officer, open[0].ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scoresFor(open[0])})
		require.NoError(t, err, "the new officer works with it")
		require.Equal(t, []string{"transfer_plans"}, n.showing(n.office, n.boss.User), "the sender keeps the act of handing over and nothing of the file")
	})

	t.Run("TheLadderGoesOnWithThePeopleThere", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 83)
		n.addUser(n.there, "head", "+8615400000213", carelog.Supervisor)
		n.clock.set(calendar.New(2026, time.December, 23).At(9, 0)) // the baseline of 8 December is eleven working days late
		n.sweepAll()
		_, err := n.work.Escalate(n.ctx(), 100)
		require.NoError(t, err)
		const told = "SELECT count(*) FROM messages WHERE purpose = 'supervisor_notice' AND user_id IN (SELECT id FROM users WHERE office_id = $1)"
		require.NotZero(t, n.count(told, n.office))
		_, err = n.app.AcceptTransfer(n.ctx(), n.officer, n.act.ID, carelog.Acceptance{Village: newVillage})
		require.NoError(t, err)
		n.keeps()
		require.Zero(t, n.count(told+" AND dispatch = 'planned'", n.office), "who let go hears no more")
		_, err = n.work.Escalate(n.ctx(), 100)
		require.NoError(t, err)
		require.NotZero(t, n.count(told, n.there))
		n.keeps()
	})

	t.Run("ADeclinedPlanStaysAndTheHistorySaysWhoDeclined", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 83)
		_, err := n.app.DeclineTransfer(n.ctx(), n.officer, n.act.ID, nil, "查无此户")
		require.NoError(t, err)
		require.NoError(t, n.markOverdue())
		entries := n.history(n.made.Recipient)
		last := entries[len(entries)-2]
		require.Equal(t, "plan_transfer_declined", last.Kind)
		require.Equal(t, n.officer.User.String(), last.ActorID)
		require.Contains(t, string(last.Details), "查无此户")
		require.Equal(t, 1, n.tasks("transfer_declined"))
		n.keeps()
	})

	t.Run("ANumberThatIsTakenThereIsRefusedAndMayBeChanged", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 83)
		e := n.enrolment("A-1", 3)
		e.Office, e.Officer, e.Village, e.Primary = n.there, "qian", newVillage, carelog.ContactID{}
		_, err := n.app.EnrolRecipient(n.ctx(), n.officer, e)
		require.NoError(t, err)
		accept := carelog.Acceptance{Village: newVillage}
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(n.app.AcceptTransfer(n.ctx(), n.officer, n.act.ID, accept))))
		accept.ExternalID = "A-1-迁"
		_, err = n.app.AcceptTransfer(n.ctx(), n.officer, n.act.ID, accept)
		require.NoError(t, err)
		n.keeps()
	})

	t.Run("NothingIsTakenThatWasNotOffered", func(t *testing.T) {
		t.Parallel()
		n := newNeighbour(t, 83)
		other := n.enrol("A-2", 3)
		conn, err := pgx.Connect(n.ctx(), n.db.App)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close(n.ctx()) })
		villages := n.count("SELECT count(*) FROM villages WHERE office_id = $1", n.there)
		require.Equal(t, 1, villages)
		take := func(scope carelog.OfficeID, as carelog.Actor, transfer carelog.TransferID, plan carelog.PlanID, officer carelog.UserID) string {
			tx, err := conn.Begin(n.ctx())
			require.NoError(t, err)
			defer tx.Rollback(n.ctx())
			_, err = tx.Exec(n.ctx(), "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true)", "{"+scope.String()+"}", as.User.String())
			require.NoError(t, err)
			_, err = tx.Exec(n.ctx(), `SELECT take_over($1, $2, $3, (SELECT id FROM villages WHERE office_id = $4), NULL, NULL, '', now())`, transfer, plan, officer, n.there)
			return constraintOf(err)
		}
		const nothing, strangers = "only_an_offered_file_is_taken_over", "a_file_goes_to_people_of_the_receiving_office"
		require.Equal(t, nothing, take(n.there, n.officer, n.act.ID, other.Plan, n.officer.User), "a plan that is not in the offer")
		require.Equal(t, nothing, take(n.office, n.boss, n.act.ID, n.made.Plan, n.county.officer.User), "the sender itself")
		require.Equal(t, nothing, take(n.office, n.officer, n.act.ID, n.made.Plan, n.officer.User), "a transaction of another scope")
		require.Equal(t, nothing, take(n.there, n.boss, n.act.ID, n.made.Plan, n.officer.User), "somebody who does not work there")
		require.Equal(t, strangers, take(n.there, n.officer, n.act.ID, n.made.Plan, n.county.officer.User), "an officer of elsewhere")
		for name, sql := range map[string]string{
			"forges an offer": fmt.Sprintf("INSERT INTO transfers (id, office_id, to_office_id, proposed_by, proposed_at, accept_by) VALUES (gen_random_uuid(), '%s', '%s', '%s', now(), now())",
				n.office, n.there, n.officer.User),
			"adds a plan to one": fmt.Sprintf("INSERT INTO transfer_plans (transfer_id, plan_id, recipient_id, from_user_id) VALUES ('%s', '%s', '%s', '%s')",
				n.act.ID, other.Plan, other.Recipient, n.officer.User),
			"puts another plan into one": fmt.Sprintf("UPDATE transfer_plans SET plan_id = '%s' WHERE transfer_id = '%s'", other.Plan, n.act.ID),
			"readdresses one":            fmt.Sprintf("UPDATE transfers SET to_office_id = '%s' WHERE id = '%s'", n.there, n.act.ID),
			"moves the file by hand":     fmt.Sprintf("UPDATE recipients SET office_id = '%s' WHERE id = '%s'", n.there, other.Recipient),
		} {
			tx, err := conn.Begin(n.ctx())
			require.NoError(t, err)
			_, err = tx.Exec(n.ctx(), "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true)", "{"+n.there.String()+"}", n.officer.User.String())
			require.NoError(t, err)
			_, err = tx.Exec(n.ctx(), sql)
			require.ErrorContains(t, err, "42501", name)
			require.NoError(t, tx.Rollback(n.ctx()))
		}
		_, err = n.app.WithdrawTransfer(n.ctx(), n.county.officer, n.act.ID, nil, "未迁")
		require.NoError(t, err)
		require.Equal(t, nothing, take(n.there, n.officer, n.act.ID, n.made.Plan, n.officer.User), "an offer that was withdrawn")
		require.Equal(t, n.office.String(), n.names("SELECT office_id::text FROM recipients ORDER BY id LIMIT 1")[0])
	})
}

// showing are the tables in which the application, in an office's scope, sees rows of the file.
func (n neighbour) showing(office carelog.OfficeID, user carelog.UserID) (tables []string) {
	n.t.Helper()
	app := pgtest.Pool(n.t, n.db.App)
	for _, table := range n.names("SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'recipient_id' ORDER BY 1") {
		tx, err := app.Begin(n.ctx())
		require.NoError(n.t, err)
		_, err = tx.Exec(n.ctx(), "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true)", "{"+office.String()+"}", user.String())
		require.NoError(n.t, err)
		var rows int
		require.NoError(n.t, tx.QueryRow(n.ctx(), "SELECT count(*) FROM "+table+" WHERE recipient_id = $1", n.made.Recipient).Scan(&rows))
		require.NoError(n.t, tx.Rollback(n.ctx()))
		if rows > 0 {
			tables = append(tables, table)
		}
	}
	return tables
}

// notMoved are tables that carry an office and a recipient and stay when a file moves.
var notMoved = map[string]string{
	"changes":     "what was told while the file was that office's",
	"plan_grants": "the office in it is the one that was let in (joint aid), not the file's",
}

func TestTransferMovesEveryTable(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	tables := c.names(`SELECT a.table_name FROM information_schema.columns a JOIN information_schema.columns b USING (table_schema, table_name)
		WHERE a.table_schema = 'public' AND a.column_name = 'office_id' AND b.column_name = 'recipient_id' ORDER BY 1`)
	require.NotEmpty(t, tables)
	moved := c.names("SELECT table_name FROM moved_with_file ORDER BY 1")
	require.Subset(t, tables, moved)
	for _, table := range tables {
		if notMoved[table] == "" {
			require.Contains(t, moved, table, "a file that moves to another office leaves its rows of this table behind: name it in moved_with_file (or above, with the reason)")
		}
	}
}

// constraintOf is the name of the constraint that refused.
func constraintOf(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.ConstraintName
	}
	return fmt.Sprint(err)
}

// keepOrder are the kinds of a page that are among those asked for, oldest first.
func keepOrder(page carelog.HistoryPage, kinds ...string) string {
	var found []string
	for _, e := range slices.Backward(page.Entries) {
		if slices.Contains(kinds, e.Kind) {
			found = append(found, e.Kind)
		}
	}
	return strings.Join(found, " ")
}
