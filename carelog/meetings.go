package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// A joint meeting with partners (联席会, L30) is prepared from records and leaves
// minutes and decisions; the decisions become tasks.

// Meeting is one of them.
type Meeting struct {
	ID        MeetingID     `json:"meeting_id"`
	Office    OfficeID      `json:"office_id"`
	PlannedOn calendar.Date `json:"planned_on"`
	HeldOn    calendar.Date `json:"held_on"`
	Partners  []PartnerID   `json:"partner_ids" nullable:"false"`
}

// MeetingFile is a meeting with its pack and minutes.
type MeetingFile struct {
	Meeting
	Pack      []PartnerAgenda   `json:"pack" nullable:"false"`
	Minutes   string            `json:"minutes"` // sealed
	Decisions []MeetingDecision `json:"decisions" nullable:"false"`
}

// PartnerAgenda is what there is to talk about with one partner: what waits for it,
// the late first, and the clues it handed over. Names are masked.
type PartnerAgenda struct {
	Partner   PartnerID  `json:"partner_id"`
	Name      string     `json:"name"`
	Referrals []Referral `json:"referrals" nullable:"false"`
	Clues     []Clue     `json:"clues" nullable:"false"`
}

// MeetingDecision is something that was decided; with a day it becomes a task.
type MeetingDecision struct {
	Partner  PartnerID     `json:"partner_id"`
	Referral ReferralID    `json:"referral_id"`
	ActBy    calendar.Date `json:"act_by"`
	What     string        `json:"what"` // sealed
}

// PlanMeeting plans a meeting with partners of the office. Officers and supervisors
// of the office may.
func (l *Log) PlanMeeting(ctx context.Context, by Actor, m Meeting) (Meeting, error) {
	if m.Office.IsZero() {
		m.Office = by.Office
	}
	if !by.may(m.Office, KeepMeetings) {
		return m, forbidden("only officers and supervisors of the office keep its meetings")
	}
	return write(ctx, l, by, func(tx txn) (Meeting, error) {
		var p problems
		if m.PlannedOn.IsZero() {
			p.add("planned_on", isRequired)
		}
		if len(m.Partners) == 0 || len(m.Partners) > 50 {
			p.add("partner_ids", isOutsideRange)
		}
		for i, partner := range m.Partners {
			if _, known, err := partnerOf(ctx, tx, partner, m.Office); err != nil {
				return m, err
			} else if !known {
				p.add(fmt.Sprintf("partner_ids[%d]", i), isUnknown)
			}
		}
		if err := p.err(); err != nil {
			return m, err
		}
		m.ID = newID[meetingKind](tx.now, l.random)
		_, wrapped, err := l.keys.NewDataKey(l.random, m.ID)
		if err != nil {
			return m, fmt.Errorf("make the meeting's key: %w", err)
		}
		_, err = tx.Exec(ctx, "INSERT INTO meetings (id, office_id, planned_on, data_key, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)", m.ID, m.Office, m.PlannedOn, wrapped, by.User, tx.now)
		if err != nil {
			return m, fmt.Errorf("plan meeting: %w", err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO meeting_partners (meeting_id, partner_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING", m.ID, m.Partners); err != nil {
			return m, fmt.Errorf("invite partners: %w", err)
		}
		tx.audit(m.Office, "meeting_planned", anyID(m.ID), fmt.Sprint(len(m.Partners)))
		return m, nil
	})
}

// HoldMeeting records that a meeting took place, with minutes and decisions; each
// decision with a day opens a task. Officers and supervisors of the office may, once.
func (l *Log) HoldMeeting(ctx context.Context, by Actor, id MeetingID, on calendar.Date, minutes string, decisions []MeetingDecision) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		m, key, _, err := l.openMeeting(ctx, tx, id, " FOR UPDATE")
		if err != nil {
			return struct{}{}, err
		}
		var p problems
		switch {
		case on.IsZero():
			p.add("held_on", isRequired)
		case on.After(tx.today()):
			p.add("held_on", isInFuture)
		}
		p.needsText("minutes", minutes, 20000)
		for i, d := range decisions {
			p.needsText(fmt.Sprintf("decisions[%d].what", i), d.What, 2000)
		}
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		if !m.HeldOn.IsZero() {
			return struct{}{}, conflict("the meeting's minutes are recorded already")
		}
		if _, err := tx.Exec(ctx, "UPDATE meetings SET held_on = $2, sealed = $3 WHERE id = $1", id, on, key.Seal([]byte(minutes), "meetings.sealed")); err != nil {
			return struct{}{}, fmt.Errorf("record minutes: %w", err)
		}
		for _, d := range decisions {
			if err := l.decide(ctx, tx, m, key, d); err != nil {
				return struct{}{}, err
			}
		}
		tx.audit(m.Office, "meeting_held", anyID(id), fmt.Sprint(len(decisions)))
		return struct{}{}, nil
	})
	return err
}

func (l *Log) decide(ctx context.Context, tx txn, m Meeting, key crypt.DataKey, d MeetingDecision) error {
	id := newID[plainKind](tx.now, l.random)
	var recipient RecipientID
	var plan PlanID
	if !d.Referral.IsZero() {
		err := tx.QueryRow(ctx, "SELECT recipient_id, plan_id FROM referrals WHERE id = $1 AND office_id = $2", d.Referral, m.Office).Scan(&recipient, &plan)
		if none(err) {
			return notFound("referral")
		}
		if err != nil {
			return fmt.Errorf("read referral: %w", err)
		}
	}
	_, err := tx.Exec(ctx, "INSERT INTO meeting_decisions (id, meeting_id, partner_id, referral_id, act_by, sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		id, m.ID, d.Partner, d.Referral, d.ActBy, key.Seal([]byte(d.What), "meeting_decisions.sealed/"+id.String()), tx.now)
	if err != nil {
		return fmt.Errorf("record decision: %w", err)
	}
	if d.ActBy.IsZero() {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "meeting_decision", cause: "meeting_decision:" + id.String(), office: m.Office, recipient: recipient, plan: plan,
		reason: "a joint meeting decided something that is to be done: read the minutes", actBy: officerWindow.closes(tx.cal(m.Office).RollBack(d.ActBy)),
	})
}

func (l *Log) openMeeting(ctx context.Context, tx txn, id MeetingID, lock string) (m Meeting, key crypt.DataKey, sealed []byte, err error) {
	var wrapped []byte
	err = tx.QueryRow(ctx, `SELECT id, office_id, planned_on, held_on, ARRAY(SELECT partner_id FROM meeting_partners WHERE meeting_id = m.id ORDER BY 1), data_key, sealed
		FROM meetings m WHERE id = $1`+lock, id).Scan(&m.ID, &m.Office, &m.PlannedOn, &m.HeldOn, &m.Partners, &wrapped, &sealed)
	if none(err) {
		return m, key, nil, notFound("meeting")
	}
	if err != nil {
		return m, key, nil, fmt.Errorf("read meeting: %w", err)
	}
	if !tx.by.may(m.Office, KeepMeetings) {
		return m, key, nil, forbidden("only officers and supervisors of the office keep its meetings")
	}
	if key, err = l.keys.Unwrap(id, wrapped); err != nil {
		return m, key, nil, fmt.Errorf("open the meeting's key: %w", err)
	}
	return m, key, sealed, nil
}

// ReadMeeting reads a meeting with its pack as of now. Officers and supervisors of
// the office may; it is audited.
func (l *Log) ReadMeeting(ctx context.Context, by Actor, id MeetingID) (MeetingFile, error) {
	return read(ctx, l, by, func(tx txn) (MeetingFile, error) {
		m, key, sealed, err := l.openMeeting(ctx, tx, id, "")
		if err != nil {
			return MeetingFile{}, err
		}
		f := MeetingFile{Meeting: m, Pack: []PartnerAgenda{}}
		if sealed != nil {
			minutes, err := key.Open(sealed, "meetings.sealed")
			if err != nil {
				return f, fmt.Errorf("open the minutes: %w", err)
			}
			f.Minutes = string(minutes)
		}
		rows, err := tx.Query(ctx, "SELECT id, partner_id, referral_id, act_by, sealed FROM meeting_decisions WHERE meeting_id = $1 ORDER BY id", id)
		if err != nil {
			return f, fmt.Errorf("read decisions: %w", err)
		}
		f.Decisions, err = pgx.AppendRows([]MeetingDecision{}, rows, func(row pgx.CollectableRow) (d MeetingDecision, err error) {
			var did anyID
			var sealed []byte
			if err = row.Scan(&did, &d.Partner, &d.Referral, &d.ActBy, &sealed); err != nil {
				return d, err
			}
			what, err := key.Open(sealed, "meeting_decisions.sealed/"+did.String())
			d.What = string(what)
			return d, err
		})
		if err != nil {
			return f, fmt.Errorf("read decisions: %w", err)
		}
		for _, partner := range m.Partners {
			agenda, err := l.agenda(ctx, tx, m.Office, partner)
			if err != nil {
				return f, err
			}
			f.Pack = append(f.Pack, agenda)
		}
		tx.audit(m.Office, "meeting_read", anyID(id), "")
		return f, nil
	})
}

// agenda is what waits for a partner.
func (l *Log) agenda(ctx context.Context, tx txn, office OfficeID, id PartnerID) (PartnerAgenda, error) {
	a := PartnerAgenda{Partner: id, Referrals: []Referral{}, Clues: []Clue{}}
	name, _, err := partnerOf(ctx, tx, id, office)
	if err != nil {
		return a, err
	}
	a.Name = name
	rows, err := tx.Query(ctx, selectReferrals+"f.partner_id = $1 AND f.office_id = $2 AND f.state IN ('drafted', 'sent', 'acknowledged') ORDER BY f.due_on NULLS LAST, f.id LIMIT 200", id, office)
	if err != nil {
		return a, fmt.Errorf("read open referrals: %w", err)
	}
	if a.Referrals, err = pgx.AppendRows(a.Referrals, rows, func(row pgx.CollectableRow) (Referral, error) { return l.scanReferral(row, tx) }); err != nil {
		return a, fmt.Errorf("read open referrals: %w", err)
	}
	rows, err = tx.Query(ctx, selectClues+"from_partner = $1 AND office_id = $2 AND received_on > $3 ORDER BY id LIMIT 200", id, office, tx.today().AddYears(-1))
	if err != nil {
		return a, fmt.Errorf("read clues: %w", err)
	}
	a.Clues, err = pgx.AppendRows(a.Clues, rows, func(row pgx.CollectableRow) (Clue, error) {
		c, _, _, err := l.scanClue(tx, row)
		return c, err
	})
	if err != nil {
		return a, fmt.Errorf("read clues: %w", err)
	}
	return a, nil
}

// Meetings lists the meetings of the actor's offices, planned and held, oldest first.
func (l *Log) Meetings(ctx context.Context, by Actor, page Page) ([]Meeting, error) {
	if !by.Holds(KeepMeetings) {
		return nil, forbidden("only officers and supervisors list meetings")
	}
	return read(ctx, l, by, func(tx txn) ([]Meeting, error) {
		rows, err := tx.Query(ctx, `SELECT id, office_id, planned_on, held_on, ARRAY(SELECT partner_id FROM meeting_partners WHERE meeting_id = m.id ORDER BY 1)
			FROM meetings m WHERE ($1 OR office_id = ANY ($2)) AND id > $3 ORDER BY id LIMIT $4`, by.Kind == System, by.officesFor(KeepMeetings), page.afterOrFirst(), page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list meetings: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[Meeting])
	})
}
