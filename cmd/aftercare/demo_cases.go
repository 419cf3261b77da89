package main

import (
	"context"
	"fmt"
	"strings"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// growers is the group of the article's 18 defrauded fruit growers (L14).
const growers = "果农被骗案"

// casesBefore records what came before the payments: the departments, a clue and a
// case for each award of the year (L10-L13), the three clues of partners, one of them
// the veterans' case of 81 people, and the two joint meetings (L30, L31).
func (r *replay) casesBefore(ctx context.Context, table carelog.Ledger) error {
	by := r.demo.people.officers["li"]
	sun, err := r.work.ActAs(ctx, carelog.TheSystem(), "sun")
	if err != nil {
		return err
	}
	departments := map[string]carelog.DepartmentID{}
	for _, d := range [][2]string{{"第五检察部", "lead"}, {"第一检察部", "criminal"}, {"第二检察部", "criminal"}} {
		made, err := r.door.AddDepartment(ctx, sun, carelog.Department{Name: d[0], Kind: d[1]})
		if err != nil {
			return err
		}
		departments[d[0]] = made.ID
	}
	if err := r.door.SaveGroup(ctx, by, carelog.CaseGroup{Key: growers, Name: "果农被骗系列案", Cause: "诈骗", Season: "9月至11月", Sensitive: true}); err != nil {
		return err
	}
	files, err := r.recipientsByNumber(ctx, by)
	if err != nil {
		return err
	}
	for i, row := range table.Rows {
		number := row.Cells["外部编号"]
		if !strings.HasPrefix(number, "YY2026") {
			continue
		}
		paid, err := calendar.Parse(row.Cells["发放日期"])
		if err != nil {
			return err
		}
		from := departments[[]string{"第一检察部", "第二检察部"}[i%2]]
		stage := map[string]string{"审查逮捕": "arrest_review", "审查起诉": "prosecution_review"}[row.Cells["案件阶段"]]
		clue := carelog.Clue{
			Number: "XS" + number, ReceivedOn: paid.AddDays(-6), Origin: "ex_officio", CaseStage: stage, FromDepartment: from, ToDepartment: departments["第五检察部"],
			Persons: 1, Subject: "刑事案件被害人，家庭生活困难",
		}
		if err := r.caseUntilPaid(ctx, by, clue, number, paid, files[number]); err != nil {
			return fmt.Errorf("%s: %w", number, err)
		}
	}
	return r.partnersAndMeetings(ctx, by, departments["第五检察部"])
}

func (r *replay) recipientsByNumber(ctx context.Context, by carelog.Actor) (map[string]carelog.RecipientID, error) {
	files := map[string]carelog.RecipientID{}
	found, err := r.door.Search(ctx, by, "YY2026-0")
	for n := range 100 {
		if err != nil {
			return nil, err
		}
		for _, h := range found.Items {
			files[h.ExternalID] = h.Recipient
		}
		found, err = r.door.Search(ctx, by, fmt.Sprintf("YY2026-%03d", n))
	}
	return files, err
}

// caseUntilPaid is a case as the office kept it: everything there before it was paid.
func (r *replay) caseUntilPaid(ctx context.Context, by carelog.Actor, clue carelog.Clue, number string, paid calendar.Date, recipient carelog.RecipientID) error {
	made, err := r.door.RecordClue(ctx, by, clue)
	if err != nil {
		return err
	}
	if _, err := r.door.AnswerClue(ctx, by, made.ID, carelog.ClueAnswer{Answer: "accepted"}); err != nil {
		return err
	}
	checks, err := r.door.Conditions(ctx, by, made.ID)
	if err != nil {
		return err
	}
	for _, c := range checks {
		if err := r.door.AnswerCondition(ctx, by, made.ID, c.Item, "met", ""); err != nil {
			return err
		}
	}
	file, err := r.door.OpenCase(ctx, by, carelog.NewCase{Clue: made.ID, Number: "JZ" + number, OpenedOn: clue.ReceivedOn})
	if err != nil {
		return err
	}
	for _, e := range []carelog.CaseEntry{
		{Kind: "home_visit", DoneOn: paid.AddDays(-5), Note: "入户走访，了解家庭情况"},
		{Kind: "village_heard", DoneOn: paid.AddDays(-5), Note: "听取村委会意见"},
		{Kind: "review_report", DoneOn: paid.AddDays(-4), Number: "SC" + number, FileHash: strings.Repeat("5a", 32)},
		{Kind: "sent_for_approval", DoneOn: paid.AddDays(-4), Number: "BS" + number},
		{Kind: "approved", DoneOn: paid.AddDays(-2), Number: "PF" + number},
		{Kind: "paid", DoneOn: paid, Number: "FK" + number},
		{Kind: "notified", DoneOn: paid},
	} {
		if _, err := r.door.AddCaseEntry(ctx, by, file.ID, e); err != nil {
			return fmt.Errorf("%s: %w", e.Kind, err)
		}
	}
	_, err = r.door.JoinCase(ctx, by, file.ID, recipient)
	return err
}

func (r *replay) partnersAndMeetings(ctx context.Context, by carelog.Actor, lead carelog.DepartmentID) error {
	today := calendar.Of(r.at)
	partner := func(name, kind string) (carelog.PartnerID, error) {
		return r.door.AddPartner(ctx, by, carelog.NewPartner{Name: name, Kind: kind})
	}
	women, err := partner("县妇女联合会", "womens_federation")
	if err != nil {
		return err
	}
	veterans, err := partner("县退役军人事务局", "veterans")
	if err != nil {
		return err
	}
	for i, with := range []carelog.PartnerID{women, veterans} {
		held := today.AddDays(-150 + 90*i)
		m, err := r.door.PlanMeeting(ctx, by, carelog.Meeting{PlannedOn: held, Partners: []carelog.PartnerID{with}})
		if err != nil {
			return err
		}
		if err := r.door.HoldMeeting(ctx, by, m.ID, held, "通报案源线索移送和救助对象帮扶情况", []carelog.MeetingDecision{{Partner: with, What: "每季度互通一次名单以外的线索数量"}}); err != nil {
			return err
		}
	}
	for i, c := range []struct {
		from    carelog.PartnerID
		persons int
		subject string
	}{{veterans, 81, "齐某某等人，退役军人，涉众案件被害人"}, {women, 1, "被害妇女，独自抚养子女"}, {women, 1, "被害妇女，患病"}} {
		clue, err := r.door.RecordClue(ctx, by, carelog.Clue{
			Number: fmt.Sprintf("XS-YS-%d", i+1), ReceivedOn: today.AddDays(-20 + i), Origin: "transferred_clue", CaseStage: "other", FromPartner: c.from, ToDepartment: lead,
			Persons: c.persons, Subject: c.subject,
		})
		if err != nil {
			return err
		}
		if i == 2 {
			continue // waits for its answer
		}
		if _, err := r.door.AnswerClue(ctx, by, clue.ID, carelog.ClueAnswer{Answer: "accepted"}); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if _, err := r.door.OpenCase(ctx, by, carelog.NewCase{Clue: clue.ID, Number: "JZ-YS-1", OpenedOn: today.AddDays(-6)}); err != nil {
			return err
		}
	}
	return nil
}
