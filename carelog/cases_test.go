package carelog_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// clues is a county with departments and a partner, and what is needed to hand clues over.
type clues struct {
	*county
	lead, criminal carelog.DepartmentID
	veterans       carelog.PartnerID
	made           int
}

func newClues(t *testing.T) *clues {
	t.Helper()
	return withDepartments(newCounty(t))
}

func withDepartments(c *county) *clues {
	c.t.Helper()
	t := c.t
	k := &clues{county: c}
	for _, d := range []struct {
		into       *carelog.DepartmentID
		name, kind string
	}{{&k.lead, "第五检察部", "lead"}, {&k.criminal, "第一检察部", "criminal"}} {
		made, err := k.app.AddDepartment(k.ctx(), k.boss, carelog.Department{Name: d.name, Kind: d.kind})
		require.NoError(t, err)
		*d.into = made.ID
	}
	var err error
	k.veterans, err = k.app.AddPartner(k.ctx(), k.officer, carelog.NewPartner{Name: "县退役军人事务局", Kind: "veterans"})
	require.NoError(t, err)
	return k
}

func (k *clues) clue(change func(*carelog.Clue)) carelog.Clue {
	k.t.Helper()
	k.made++
	c := carelog.Clue{
		Number: "线索" + string(rune('0'+k.made)), ReceivedOn: calendar.Of(k.clock.now()), Origin: "ex_officio", CaseStage: "arrest_review",
		FromDepartment: k.criminal, ToDepartment: k.lead, Persons: 1, Subject: "马某某被害，家庭困难",
	}
	if change != nil {
		change(&c)
	}
	made, err := k.app.RecordClue(k.ctx(), k.officer, c)
	require.NoError(k.t, err)
	return made
}

// opened is a case from a clue that was taken over, with every condition met.
func (k *clues) opened(change func(*carelog.Clue)) carelog.CaseFile {
	k.t.Helper()
	c := k.clue(change)
	_, err := k.app.AnswerClue(k.ctx(), k.officer, c.ID, carelog.ClueAnswer{Answer: "accepted"})
	require.NoError(k.t, err)
	checks, err := k.app.Conditions(k.ctx(), k.officer, c.ID)
	require.NoError(k.t, err)
	for _, check := range checks {
		require.NoError(k.t, k.app.AnswerCondition(k.ctx(), k.officer, c.ID, check.Item, "met", "村委会证明"))
	}
	file, err := k.app.OpenCase(k.ctx(), k.officer, carelog.NewCase{Clue: c.ID, Number: "救助" + c.Number, OriginalCase: "沂检刑诉17号"})
	require.NoError(k.t, err)
	return file
}

func (k *clues) add(id carelog.CaseID, kinds ...string) carelog.CaseFile {
	k.t.Helper()
	var file carelog.CaseFile
	var err error
	for _, kind := range kinds {
		e := carelog.CaseEntry{Kind: kind, DoneOn: calendar.Of(k.clock.now()), Number: "号", Note: "见到本人"}
		if kind == "review_report" {
			e.FileHash = strings.Repeat("ab", 32)
		}
		file, err = k.app.AddCaseEntry(k.ctx(), k.officer, id, e)
		require.NoError(k.t, err, kind)
	}
	return file
}

func (k *clues) lacks(file carelog.CaseFile) (codes []string) {
	for _, m := range file.Missing {
		require.NotEmpty(k.t, m.Chinese, m.Code)
		codes = append(codes, m.Code)
	}
	return codes
}

func (k *clues) watch() {
	k.t.Helper()
	_, err := k.work.WatchCases(k.ctx(), 100)
	require.NoError(k.t, err)
}

func TestClues(t *testing.T) {
	t.Parallel()

	t.Run("AHandOverNobodyTakesAlarmsOnceAndEndsWithTheAnswer", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		c := k.clue(nil)
		require.Equal(t, "2026-11-27", c.AnswerBy.String(), "three working days from Tuesday")
		k.clock.set(calendar.New(2026, time.November, 27).At(10, 0))
		k.watch()
		require.Zero(t, k.count("SELECT count(*) FROM tasks WHERE kind = 'clue_unanswered'"))
		k.clock.set(calendar.New(2026, time.November, 30).At(10, 0))
		k.watch()
		k.watch()
		require.Equal(t, 1, k.count("SELECT count(*) FROM tasks WHERE kind = 'clue_unanswered' AND state = 'open'"))
		_, err := k.app.AnswerClue(k.ctx(), k.boss, c.ID, carelog.ClueAnswer{Answer: "returned", Why: "不属本院管辖"})
		require.NoError(t, err)
		require.Zero(t, k.count("SELECT count(*) FROM tasks WHERE kind = 'clue_unanswered' AND state = 'open'"))
		k.watch()
		require.Equal(t, 1, k.count("SELECT count(*) FROM tasks WHERE kind = 'clue_unanswered'"))
		read, err := k.app.ReadClue(k.ctx(), k.boss, c.ID)
		require.NoError(t, err)
		require.Equal(t, "不属本院管辖", read.Outcome)
	})

	t.Run("OnlyAnAcceptedClueBecomesACaseAndOnce", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		c := k.clue(nil)
		open := func() error {
			return second(k.app.OpenCase(k.ctx(), k.officer, carelog.NewCase{Clue: c.ID, Number: "救助1号"}))
		}
		require.Equal(t, carelog.Conflict, carelog.KindOf(open()))
		_, err := k.app.AnswerClue(k.ctx(), k.officer, c.ID, carelog.ClueAnswer{Answer: "accepted"})
		require.NoError(t, err)
		require.NoError(t, open())
		require.Equal(t, carelog.Conflict, carelog.KindOf(open()))
		other := k.clue(func(c *carelog.Clue) { c.FromDepartment = k.lead })
		require.Equal(t, "accepted", other.State, "who finds it themself has it")
		_, err = k.app.AnswerClue(k.ctx(), k.officer, other.ID, carelog.ClueAnswer{Answer: "merged", Into: c.ID, Why: "同一案"})
		require.NoError(t, err)
	})

	t.Run("AnAnswerNamesTheVersionOfTheRulesInForceThatDay", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		c := k.clue(nil)
		answer := func(a string) carelog.ConditionCheck {
			require.NoError(t, k.app.AnswerCondition(k.ctx(), k.officer, c.ID, "harm_is_proved", a, ""))
			checks, err := k.app.Conditions(k.ctx(), k.officer, c.ID)
			require.NoError(t, err)
			return checks[1]
		}
		require.Equal(t, 2, answer("not_met").RuleVersion)
		_, err := k.app.AddRuleVersion(k.ctx(), k.admin, "aid_rules", "新细则", calendar.New(2026, time.December, 1))
		require.NoError(t, err)
		require.Equal(t, 2, answer("unknown").RuleVersion, "not in force yet")
		k.clock.set(calendar.New(2026, time.December, 2).At(10, 0))
		last := answer("met")
		require.Equal(t, []any{3, "新细则", "met"}, []any{last.RuleVersion, last.RuleTitle, last.Answer})
		require.Equal(t, 3, k.count("SELECT count(*) FROM condition_answers"), "earlier answers stay")
	})

	t.Run("NamesEveryFieldThatIsWrong", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		_, err := k.app.RecordClue(k.ctx(), k.officer, carelog.Clue{Number: "990323197206201177", FromDepartment: k.lead, FromPartner: k.veterans})
		for _, field := range []string{"number", "subject", "received_on", "origin", "case_stage", "persons", "to_department_id", "from_partner_id"} {
			require.ErrorContains(t, err, field)
		}
	})
}

func TestCases(t *testing.T) {
	t.Parallel()

	t.Run("GoesThroughFiveStepsAndSaysWhatIsMissing", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		file := k.opened(func(c *carelog.Clue) {
			c.FromDepartment, c.FromPartner, c.Persons = carelog.DepartmentID{}, k.veterans, 81
		})
		require.Equal(t, []string{"no_home_visit", "no_village_word", "no_review_report", "not_sent_for_approval", "not_approved", "not_paid", "not_notified", "nobody_joined"}, k.lacks(file))
		require.Equal(t, 81, file.Persons)
		file = k.add(file.ID, "home_visit", "review_report")
		_, err := k.app.AddCaseEntry(k.ctx(), k.officer, file.ID, carelog.CaseEntry{Kind: "sent_for_approval", DoneOn: calendar.Of(tuesday), Number: "1"})
		require.ErrorContains(t, err, "no_village_word", "a visit alone is one source (L21)")
		file = k.add(file.ID, "village_heard", "sent_for_approval", "approved", "funds_arrived", "paid", "notified")
		require.Equal(t, "paid", file.State)
		require.Equal(t, []string{"partner_not_told", "nobody_joined"}, k.lacks(file))
		e := k.enrolment("A-1", 0)
		e.Award.Case, e.Draft = file.ID, true
		made, err := k.app.EnrolRecipient(k.ctx(), k.officer, e)
		require.NoError(t, err)
		file, err = k.app.ReadCase(k.ctx(), k.officer, file.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"partner_not_told", "no_plan"}, k.lacks(file))
		require.Equal(t, "马某某", file.Recipients[0].MaskedName)
		_, err = k.app.StartPlan(k.ctx(), k.officer, made.Plan)
		require.NoError(t, err)
		file = k.add(file.ID, "partner_told")
		require.Empty(t, file.Missing)
		for _, step := range file.Steps {
			require.False(t, step.DoneOn.IsZero(), step.Step)
		}
		require.Contains(t, k.kinds(made.Recipient), "case_moved", "what follows stands in the history of whoever is aided")
		require.Equal(t, len(file.Entries), k.count("SELECT count(*) FROM audit WHERE act LIKE 'case\\_%' AND detail LIKE '%sha256:%' AND act <> 'case_read'"))
	})

	t.Run("CountsItsClocksInWorkingDays", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		k.clock.set(calendar.New(2026, time.February, 12).At(10, 0)) // the Spring Festival of 2026 lies ahead
		file := k.opened(nil)
		require.Equal(t, "decide", file.Clocks[0].Kind)
		require.Equal(t, calendar.Official().AddWorkdays(calendar.New(2026, time.February, 12), 10), file.Clocks[0].DueOn)
		require.True(t, file.Clocks[0].DueOn.After(calendar.New(2026, time.March, 1)), "%s", file.Clocks[0].DueOn)
		k.clock.set(file.Clocks[0].DueOn.At(10, 0))
		k.watch()
		require.Zero(t, k.count("SELECT count(*) FROM tasks WHERE kind = 'case_late'"))
		k.clock.set(file.Clocks[0].DueOn.AddDays(1).At(10, 0))
		k.watch()
		k.watch()
		require.Equal(t, 1, k.count("SELECT count(*) FROM tasks WHERE kind = 'case_late' AND state = 'open'"))
		late, err := k.app.Cases(k.ctx(), k.boss, carelog.CaseFilter{Late: true, Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Len(t, late, 1)
		k.add(file.ID, "home_visit", "village_heard", "review_report", "sent_for_approval", "approved")
		require.Zero(t, k.count("SELECT count(*) FROM tasks WHERE kind = 'case_late' AND state = 'open'"))
	})

	t.Run("AnUrgentOneIsPaidFirstAndItsDebtShows", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		file := k.opened(nil)
		pay := carelog.CaseEntry{Kind: "paid", DoneOn: calendar.Of(tuesday), Number: "1"}
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(k.app.AddCaseEntry(k.ctx(), k.officer, file.ID, pay))))
		first := carelog.CaseEntry{Kind: "paid_first", DoneOn: calendar.Of(tuesday), Note: "重伤急需手术费"}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(second(k.app.AddCaseEntry(k.ctx(), k.officer, file.ID, first))))
		_, err := k.app.AddCaseEntry(k.ctx(), k.boss, file.ID, first)
		require.NoError(t, err)
		file = k.add(file.ID, "paid")
		require.True(t, file.InDebt)
		debts, err := k.app.Cases(k.ctx(), k.boss, carelog.CaseFilter{State: "debt", Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Len(t, debts, 1)
		file = k.add(file.ID, "home_visit", "village_heard", "review_report", "sent_for_approval", "approved")
		require.False(t, file.InDebt)
		require.Equal(t, "paid", file.State)
	})

	t.Run("TheOriginalCaseMovesOnWhileThePlanRuns", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		file := k.opened(nil)
		made := k.enrol("A-1", 0)
		_, err := k.app.JoinCase(k.ctx(), k.officer, file.ID, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, carelog.Conflict, carelog.KindOf(second(k.app.JoinCase(k.ctx(), k.officer, file.ID, made.Recipient))))
		file, err = k.app.AddCaseEntry(k.ctx(), k.officer, file.ID, carelog.CaseEntry{Kind: "stage_changed", DoneOn: calendar.Of(tuesday), CaseStage: "trial"})
		require.NoError(t, err)
		require.Equal(t, "trial", file.CaseStage)
		require.Contains(t, k.kinds(made.Recipient), "case_moved")
	})

	t.Run("AnotherOfficeSeesNothingAndAReadIsAudited", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		file := k.opened(nil)
		sister := k.addUser(k.addOffice("370324", "邻县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(k.app.ReadCase(k.ctx(), sister, file.ID))))
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(k.app.ReadClue(k.ctx(), sister, file.Clues[0]))))
		list, err := k.app.Cases(k.ctx(), sister, carelog.CaseFilter{Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Empty(t, list)
		_, err = k.app.ReadCase(k.ctx(), k.boss, file.ID)
		require.NoError(t, err)
		require.Equal(t, 1, k.count("SELECT count(*) FROM audit WHERE act = 'case_read' AND actor_id = $1", k.boss.User))
	})

	t.Run("GoesWithTheLastOfItsPeople", func(t *testing.T) {
		t.Parallel()
		k := newClues(t)
		file := k.opened(nil)
		one, two := k.enrol("A-1", 0), k.enrol("A-2", 0)
		for _, made := range []carelog.Enrolled{one, two} {
			_, err := k.app.JoinCase(k.ctx(), k.officer, file.ID, made.Recipient)
			require.NoError(t, err)
		}
		k.exec("UPDATE recipients SET erased_at = now(), data_key = NULL WHERE id = $1", one.Recipient)
		require.Equal(t, 1, k.count("SELECT count(*) FROM aid_cases WHERE data_key IS NOT NULL"))
		k.exec("UPDATE recipients SET erased_at = now(), data_key = NULL WHERE id = $1", two.Recipient)
		require.Zero(t, k.count("SELECT count(*) FROM aid_cases WHERE data_key IS NOT NULL"))
		require.Zero(t, k.count("SELECT count(*) FROM clues WHERE data_key IS NOT NULL"))
	})
}

// located is a picture with an EXIF segment, or chunk, that says where it was taken.
func located(t *testing.T, kind string) []byte {
	t.Helper()
	var body bytes.Buffer
	picture, place := image.NewGray(image.Rect(0, 0, 8, 8)), []byte("Exif\x00\x00GPS 36.19N 118.17E")
	if kind == "png" {
		require.NoError(t, png.Encode(&body, picture))
		chunk := binary.BigEndian.AppendUint32(nil, uint32(len(place)))
		chunk = append(append(append(chunk, "eXIf"...), place...), 0, 0, 0, 0)
		return append(append(bytes.Clone(body.Bytes()[:33]), chunk...), body.Bytes()[33:]...)
	}
	require.NoError(t, jpeg.Encode(&body, picture, nil))
	segment := append([]byte{0xFF, 0xE1, 0, byte(len(place) + 2)}, place...)
	return append(append(append([]byte{0xFF, 0xD8}, segment...), body.Bytes()[2:]...), "GPS trailing"...)
}

func TestCaseFiles(t *testing.T) {
	t.Parallel()
	k := newClues(t)
	file := k.opened(nil)
	add := func(name string, body []byte) (carelog.Attachment, error) {
		return k.app.AddCaseFile(k.ctx(), k.officer, file.ID, name, body)
	}

	for _, kind := range []string{"jpg", "png"} {
		t.Run("APictureComesBackWithoutItsPlace/"+kind, func(t *testing.T) {
			given := located(t, kind)
			a, err := add("入户照片."+kind, given)
			require.NoError(t, err)
			require.NotEqual(t, a.Given, a.Kept)
			_, body, err := k.app.CaseFileBody(k.ctx(), k.officer, file.ID, a.ID)
			require.NoError(t, err)
			require.NotContains(t, string(body), "GPS")
			_, _, err = image.Decode(bytes.NewReader(body))
			require.NoError(t, err, "and is a picture still")
			require.Zero(t, k.count("SELECT count(*) FROM case_files WHERE body LIKE '%JFIF%'::bytea OR body LIKE '%IHDR%'::bytea"), "sealed")
		})
	}
	t.Run("RefusesWhatItIsNot", func(t *testing.T) {
		for name, body := range map[string][]byte{
			"a.pdf": located(t, "png"), "a.exe": []byte("MZ"), "a.png": nil, "a.docx": []byte("PK\x03\x04 nothing"), "a.jpg": located(t, "jpg")[:60],
			"big.pdf": append([]byte("%PDF-1.7"), make([]byte, carelog.MaxCaseFile)...),
		} {
			_, err := add(name, body)
			require.Equal(t, carelog.Invalid, carelog.KindOf(err), name)
		}
		a, err := add(`C:\x\审查报告.pdf`, []byte("%PDF-1.7 x"))
		require.NoError(t, err)
		require.Equal(t, "审查报告.pdf", a.Name)
	})
	t.Run("AReadIsAudited", func(t *testing.T) {
		list, err := k.app.CaseFiles(k.ctx(), k.boss, file.ID)
		require.NoError(t, err)
		require.Len(t, list, 3)
		_, _, err = k.app.CaseFileBody(k.ctx(), k.boss, file.ID, list[0].ID)
		require.NoError(t, err)
		require.Equal(t, 1, k.count("SELECT count(*) FROM audit WHERE act = 'case_file_read' AND actor_id = $1", k.boss.User))
	})
}
