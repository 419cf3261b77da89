package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// openPlan is a plan that somebody may have to decide about.
type openPlan struct {
	ID       carelog.PlanID
	State    string
	Path     string // what was recorded: death, moved, refused
	Closing  string // the path on which the closing is proposed
	Template string
	Key      string
	Officer  carelog.UserID
	Started  calendar.Date
	Barred   bool // from every village contact
}

// decidePlans has people decide about the lives of plans: drafts are started,
// resting ones resumed, deaths, moves and refusals given their path, and closings
// proposed, approved or rejected.
func (s *simulation) decidePlans(ctx context.Context, office *simOffice, today calendar.Date) error {
	rows, err := s.eyes.Query(ctx, `SELECT p.id, p.state, p.path, p.closing_path, t.key, r.external_id, p.officer_id, p.started_on, p.village_barred
		FROM care_plans p JOIN recipients r ON r.id = p.recipient_id JOIN plan_templates t ON t.id = p.template_id
		WHERE p.office_id = $1 ORDER BY p.id`, office.id)
	if err != nil {
		return err
	}
	plans, err := pgx.CollectRows(rows, pgx.RowToStructByPos[openPlan])
	if err != nil {
		return err
	}
	for _, p := range plans {
		by, there := s.actsFor(office, p.Officer, today)
		if h := s.byKey[p.Key]; there && h.office == office {
			if err := s.decidePlan(ctx, office, by, h, p, today); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *simulation) decidePlan(ctx context.Context, office *simOffice, by carelog.Actor, h *household, p openPlan, today calendar.Date) error {
	turn := (h.no + today.Sub(s.from)) % 15
	if p.State == "active" && p.Path == "" && p.Closing == "" && turn > 0 || p.State == "closed" && (turn > 0 || p.Closing == "death") {
		return nil // most plans ask for nothing on most days
	}
	r := s.dice.roll("decide", h.no, p.State, today)
	door := office.door
	var err error
	switch {
	case p.State == "closed" && r.IntN(120) == 0:
		_, err = door.ReopenPlan(ctx, by, p.ID, "情况有变化,重新关怀")
		err = s.did("ReopenPlan", err)
	case p.State == "closed":
	case p.Closing != "" && r.IntN(25) == 0:
		_, err = door.RejectClosing(ctx, office.head, p.ID, "再看一次")
		err = s.did("RejectClosing", err)
	case p.Closing != "" && r.IntN(5) == 0:
		_, err = door.ClosePlan(ctx, office.head, p.ID, "同意")
		err = s.did("ClosePlan", err)
	case p.Closing != "":
	case p.State == "draft" && r.IntN(8) == 0:
		_, err = door.StartPlan(ctx, by, p.ID)
		err = s.did("StartPlan", err)
	case p.Path != "":
		err = s.takePath(ctx, office, by, h, p, today)
	case p.State == "active" && p.Template == "G" && h.low() && r.IntN(6) == 0:
		_, err = door.ChangeTemplate(ctx, by, p.ID, "K", "家中情况需要更多关怀")
		err = s.did("ChangeTemplate", err)
	case p.State == "active" && p.Barred && r.IntN(12) == 0:
		_, err = door.LiftBar(ctx, office.head, p.ID, "已无顾虑")
		err = s.did("LiftBar", err)
	case p.State == "active" && !p.Barred && r.IntN(90) == 0:
		_, err = door.BarVillage(ctx, by, p.ID, "conflict_of_interest", "村干部与加害人有亲属关系")
		err = s.did("BarVillage", err)
	case p.State == "active" && r.IntN(60) == 0:
		err = s.rest(ctx, office, by, h, p, today)
	case p.State == "active" && p.Started.AddMonths(12).Before(today) && h.good >= 2:
		err = s.proposeExit(ctx, office, by, p)
	}
	return err
}

// takePath decides about a death, a move or a refusal that was recorded.
func (s *simulation) takePath(ctx context.Context, office *simOffice, by carelog.Actor, h *household, p openPlan, today calendar.Date) error {
	r := s.dice.roll("path", h.no, p.Path, today)
	if r.IntN(4) > 0 {
		return nil
	}
	door, verb := office.door, "ProposeClosing"
	var err error
	switch {
	case p.Path == "death" && h.no%2 == 0:
		h.diesOn, verb = calendar.Date{}, "ContinueForHousehold"
		_, err = door.ContinueForHousehold(ctx, by, p.ID, carelog.Continuation{Reason: "家中还有老人和孩子"})
	case p.Path == "death":
		_, err = door.ProposeClosing(ctx, by, p.ID, carelog.ClosingProposal{Path: "death", Reason: "本人去世,家中无人"})
	case p.Path == "moved" && h.no%2 == 0 && len(s.offices) > 1:
		office.leaving = append(office.leaving, leaving{p.ID, h, by}) // another office's matter
	case p.Path == "moved":
		h.movesOn, verb = calendar.Date{}, "ChangeAddress"
		h.village = office.villages[r.IntN(len(office.villages))]
		_, err = door.ChangeAddress(ctx, by, p.ID, carelog.NewAddress{Village: h.village.name, Primary: h.village.contacts[0].id, Reason: "迁居本县他村"})
	case p.Path == "refused":
		h.refuses, verb = calendar.Date{}, "DecideRefusal"
		decision := []string{"go_on", "minimal", "close"}[r.IntN(3)]
		_, err = door.DecideRefusal(ctx, office.head, p.ID, carelog.RefusalDecision{Decision: decision, Reason: "已与家属沟通"})
	case p.Path == "refusal_confirmed":
		_, err = door.ProposeClosing(ctx, by, p.ID, carelog.ClosingProposal{Path: "refusal", Reason: "家属坚持不再接受回访"})
	}
	return s.did(verb, err)
}

// rest pauses a plan for a while; where a neighbour is known to live in the same
// household, both rest.
func (s *simulation) rest(ctx context.Context, office *simOffice, by carelog.Actor, h *household, p openPlan, today calendar.Date) error {
	r := s.dice.roll("rest", h.no, today)
	until := today.AddDays(15 + r.IntN(60))
	if r.IntN(4) == 0 && !h.recipient.IsZero() {
		for _, other := range s.households {
			if other != h && other.office == office && other.village == h.village && !other.recipient.IsZero() {
				_, err := office.door.JoinHousehold(ctx, by, []carelog.RecipientID{h.recipient, other.recipient}, "同住一户")
				if err := s.did("JoinHousehold", err); err != nil {
					return err
				}
				_, err = office.door.PauseHousehold(ctx, by, p.ID, until, "外出务工一段时间")
				return s.did("PauseHousehold", err)
			}
		}
	}
	_, err := office.door.PausePlan(ctx, by, p.ID, until, "外出治病")
	return s.did("PausePlan", err)
}

// proposeExit proposes a closing once the exit rule is met.
func (s *simulation) proposeExit(ctx context.Context, office *simOffice, by carelog.Actor, p openPlan) error {
	conditions, err := office.door.Exit(ctx, by, p.ID)
	if err != nil {
		return s.did("Exit", err)
	}
	for _, c := range conditions {
		if !c.Met {
			return nil
		}
	}
	_, err = office.door.ProposeClosing(ctx, by, p.ID, carelog.ClosingProposal{Reason: "连续走访情况良好"})
	return s.did("ProposeClosing", err)
}
