package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/jobs"
	"aftercare/migrations"
	"aftercare/notify"
)

const requests = "SELECT count(*) FROM messages WHERE purpose = 'village_request' AND dispatch = "

func TestWork(t *testing.T) {
	t.Parallel()

	t.Run("AnEnrolmentIsTextedWithoutAnybodyCallingAnything", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'accepted'")
		require.Len(t, h.carrier.to(contactPhone), 1)
		require.Equal(t, lineNumber, h.carrier.to(contactPhone)[0].From)
	})

	t.Run("AReplyIsMatchedAndAnswered", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.start()
		made := h.enrol("A-1")
		h.becomes(1, requests+"'accepted'")
		require.NoError(t, h.app.StoreReply(t.Context(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO-1", From: contactPhone, To: lineNumber, Text: "2 摔断了腿"}))
		h.becomes(1, "SELECT count(*) FROM inbound_messages WHERE state = 'matched' AND recipient_id = $1", made.Recipient)
		h.becomes(1, "SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'accepted'")
		for _, secret := range []string{"马某某", "老马家", "赵某", "李某", "摔断", "15400000"} {
			require.Zero(t, h.count("SELECT count(*) FROM river.river_job WHERE position($1 IN concat(args::text, metadata::text, errors::text, tags::text)) > 0", secret))
		}
	})

	t.Run("ATextGoesOutWhenItsTimeComes", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.later(-2 * time.Hour) // before the village's hours
		h.start()
		h.enrol("A-1")
		require.Empty(t, h.carrier.to(contactPhone))
		h.later(2 * time.Hour)
		h.becomes(1, requests+"'accepted'")
	})

	t.Run("ADrainThatDiedWithItsProcessKeepsNoTextWaiting", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.faster = 30
		h.later(-2 * time.Hour)
		h.enrol("A-1")
		h.later(2 * time.Hour)
		stop := h.start()
		h.becomes(1, requests+"'accepted'")
		stop()
		tag, err := h.owner.Exec(t.Context(), `UPDATE river.river_job SET state = 'running', attempted_at = now(), finalized_at = NULL WHERE id =
			(SELECT max(id) FROM river.river_job WHERE kind = 'drain_messages' AND unique_key IS NOT NULL)`)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
		h.later(3 * time.Hour) // noon
		h.enrol("A-2")
		h.later(3 * time.Hour)
		h.start()
		h.becomes(2, requests+"'accepted'")
	})

	t.Run("AReportIsAppliedWithinSeconds", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'accepted'")
		require.NoError(t, h.app.StoreReport(t.Context(), carelog.Report{
			Carrier: "twilio", CarrierMessageID: "SM" + h.carrier.to(contactPhone)[0].ID, Status: "delivered", Delivery: "delivered",
		}))
		h.becomes(1, "SELECT count(*) FROM messages WHERE delivery = 'delivered'")
	})

	t.Run("OverdueWorkIsMarkedAndToldBySweeps", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.enrol("A-1")
		h.later(30 * 24 * time.Hour)
		h.start()
		h.becomes(0, "SELECT count(*) FROM check_ins WHERE state = 'planned' AND due < '2026-12-20'")
		require.Positive(t, h.count("SELECT count(*) FROM check_ins WHERE state IN ('overdue', 'missed')"))
		h.becomes(0, "SELECT count(*) FROM escalations WHERE state = 'running' AND rung = 0 AND next_at < '2026-12-20'")
	})

	t.Run("WhatWasNotCommittedIsNotDone", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		queue, err := jobs.NewQueue(h.work, migrations.RiverSchema)
		require.NoError(t, err)
		tx, err := h.work.Begin(t.Context())
		require.NoError(t, err)
		require.NoError(t, queue.SendDue(t.Context(), tx, carelog.LineID{15: 1}))
		require.NoError(t, tx.Rollback(t.Context()))
		require.Zero(t, h.count("SELECT count(*) FROM river.river_job"))
	})
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	ambiguous := &notify.SendError{Class: notify.Ambiguous, Err: errors.New("connection dropped")}

	t.Run("ATimeOutIsAskedForAndAdoptedNeverSentTwice", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.carrier.send = func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, ambiguous }
		h.carrier.find = func(m notify.Message) ([]notify.Receipt, error) {
			return []notify.Receipt{{CarrierMessageID: "SM" + m.ID, Delivery: notify.DeliverySent}}, nil
		}
		stop := h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'sending'")
		stop()
		h.later(carelog.SettlingTime + carelog.ListLag)
		h.start()
		h.becomes(1, requests+"'accepted'")
		require.Len(t, h.carrier.to(contactPhone), 1)
		require.Equal(t, 1, h.count("SELECT count(*) FROM messages WHERE delivery = 'sent'"))
	})

	for name, c := range map[string]struct {
		found error
		want  string
	}{"NotFoundIsPlannedAgain": {notify.ErrNotFound, "'planned'"}, "CannotKnowIsUnknown": {notify.ErrCannotKnow, "'unknown'"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.carrier.send = func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, ambiguous }
			h.carrier.find = func(notify.Message) ([]notify.Receipt, error) { return nil, c.found }
			stop := h.start()
			h.enrol("A-1")
			h.becomes(1, requests+"'sending'")
			stop()
			h.later(carelog.SettlingTime + carelog.ListLag)
			h.start()
			h.becomes(1, requests+c.want+" AND tries = 1 AND carrier_message_id IS NULL AND reason <> '' AND (dispatch = 'unknown' OR reason LIKE '%not found%')")
		})
	}

	t.Run("WhenTheCarrierIsAwayForADayAPersonAsks", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.carrier.send = func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, ambiguous }
		h.carrier.find = func(notify.Message) ([]notify.Receipt, error) {
			return nil, &notify.SendError{Class: notify.Temporary, Err: errors.New("no answer")}
		}
		stop := h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'sending'")
		stop()
		settle := func() error {
			stuck, err := h.workers.StuckMessages(t.Context(), carelog.Stuck{}, 10)
			require.NoError(t, err)
			require.NotEmpty(t, stuck)
			return jobs.Settle(t.Context(), h.workers, h.carrier, stuck[0])
		}
		h.later(23 * time.Hour)
		require.Error(t, settle(), "it is asked again")
		require.Equal(t, 1, h.count(requests+"'sending'"))
		h.later(2 * time.Hour)
		for h.count("SELECT count(*) FROM messages WHERE dispatch = 'sending'") > 0 {
			require.NoError(t, settle())
		}
		require.Equal(t, 1, h.count(requests+"'unknown'"))
		require.Positive(t, h.count("SELECT count(*) FROM tasks WHERE kind = 'message_unknown' AND state = 'open'"))
	})

	t.Run("OneTheCarrierCannotBeAskedAboutHoldsUpNoOther", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.carrier.send = func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, ambiguous }
		stop := h.start()
		h.enrol("A-1")
		h.becomes(1, requests+"'sending'")
		first := h.carrier.to(contactPhone)[0].ID
		h.later(time.Minute)
		h.enrol("A-2")
		h.becomes(2, requests+"'sending'")
		stop()
		h.carrier.find = func(m notify.Message) ([]notify.Receipt, error) {
			if m.ID == first {
				return nil, &notify.SendError{Class: notify.Refused, Code: "21211"}
			}
			return []notify.Receipt{{CarrierMessageID: "SM" + m.ID, Delivery: notify.DeliverySent}}, nil
		}
		h.later(carelog.SettlingTime + carelog.ListLag)
		h.start()
		h.becomes(1, requests+"'accepted'")
	})

	t.Run("AStopInTheMiddleLosesAndDoublesNothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		entered := make(chan struct{}, 10)
		h.carrier.send = func(ctx context.Context, m notify.Message) (notify.Receipt, error) {
			entered <- struct{}{}
			<-ctx.Done() // the carrier has it, and its answer never comes
			return notify.Receipt{}, &notify.SendError{Class: notify.Ambiguous, Err: ctx.Err()}
		}
		stop := h.start()
		h.enrol("A-1")
		<-entered
		stop()
		require.Zero(t, h.count("SELECT count(*) FROM river.river_job WHERE state = 'running'"), "every job was handed back")
		require.Equal(t, 1, h.count(requests+"'sending'"))
		h.carrier.find = func(m notify.Message) ([]notify.Receipt, error) {
			return []notify.Receipt{{CarrierMessageID: "SM" + m.ID, Delivery: notify.DeliverySent}}, nil
		}
		h.later(carelog.SettlingTime + carelog.ListLag)
		h.start()
		h.becomes(1, requests+"'accepted'")
		require.Len(t, h.carrier.to(contactPhone), 1)
	})
}

func TestSend(t *testing.T) {
	t.Parallel()
	answers := map[string]error{
		"taken": nil, "bare": errors.New("something else"),
		"wrapped": fmt.Errorf("call: %w", &notify.SendError{Class: notify.Temporary, Code: "500"}),
	}
	classes := []notify.Class{notify.OptedOut, notify.Unreachable, notify.Throttled, notify.Refused, notify.Temporary, notify.Ambiguous, notify.Misconfigured}
	for _, class := range classes {
		answers[string(class)] = &notify.SendError{Class: class, Code: "21610", RetryAfter: time.Minute}
	}
	taker := &carrier{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
		return notify.Receipt{CarrierMessageID: "SM-" + m.Text, Delivery: notify.DeliveryQueued}, answers[m.Text]
	}}
	var out []carelog.Outgoing
	for text := range answers {
		out = append(out, carelog.Outgoing{Text: text, To: contactPhone})
	}
	receipts := map[string]carelog.Receipt{}
	for i, r := range jobs.Send(t.Context(), taker, time.Now, out) {
		require.Equal(t, out[i], r.Outgoing, "in the order they were given")
		receipts[r.Text] = r
	}

	t.Run("AProcessThatWakesLateHandsNothingOver", func(t *testing.T) {
		now := time.Now()
		called := false
		late := &carrier{send: func(context.Context, notify.Message) (notify.Receipt, error) {
			called = true
			return notify.Receipt{}, nil
		}}
		r := jobs.Send(t.Context(), late, func() time.Time { return now }, []carelog.Outgoing{{Text: "taken", SendBy: now.Add(-time.Second)}})
		require.Equal(t, carelog.Temporary, r[0].Class)
		require.False(t, called)
	})
	t.Run("TakesTheCarriersIDAndState", func(t *testing.T) {
		require.Equal(t, carelog.Taken, receipts["taken"].Class)
		require.Equal(t, "SM-taken", receipts["taken"].CarrierMessageID)
		require.Equal(t, "queued", receipts["taken"].Delivery)
	})
	for _, class := range classes {
		t.Run("KeepsTheClass/"+string(class), func(t *testing.T) {
			r := receipts[string(class)]
			require.Equal(t, carelog.Class(class), r.Class)
			require.Equal(t, "21610", r.Code)
			require.Equal(t, time.Minute, r.RetryAfter)
			require.Empty(t, r.CarrierMessageID)
		})
	}
	t.Run("LooksThroughWrapping", func(t *testing.T) { require.Equal(t, carelog.Temporary, receipts["wrapped"].Class) })
	t.Run("DoubtsWhatItDoesNotUnderstand", func(t *testing.T) { require.Equal(t, carelog.Ambiguous, receipts["bare"].Class) })
	t.Run("HandsEachOverOnce", func(t *testing.T) {
		var texts []string
		for _, m := range taker.to(contactPhone) {
			texts = append(texts, m.Text)
		}
		require.Len(t, texts, len(answers), strings.Join(texts, " "))
	})
	t.Run("EveryClassOfOneRoomIsOneOfTheOther", func(t *testing.T) {
		known := []carelog.Class{carelog.OptedOut, carelog.Unreachable, carelog.Throttled, carelog.Refused, carelog.Temporary, carelog.Ambiguous, carelog.Misconfigured}
		for i, class := range classes {
			require.EqualValues(t, known[i], class)
		}
	})
}

func TestTwoCarriersInOneProcess(t *testing.T) {
	t.Parallel()
	const onTheOther = "SELECT count(*) FROM messages m JOIN lines n ON n.id = m.line_id WHERE n.carrier = 'aliyun' AND m.purpose = 'village_request' AND m.dispatch = "
	// moved enrols two households and puts the request about the second on the other carrier's line.
	moved := func(t *testing.T, h *house) {
		t.Helper()
		h.enrol("A-1")
		second := h.enrol("A-2").Recipient
		line, err := h.workers.EnsureLine(t.Context(), carelog.TheSystem(), "aliyun", "沂源县检察院", carelog.OfficeID{})
		require.NoError(t, err)
		_, err = h.workers.EnsureWordings(t.Context(), carelog.TheSystem())
		require.NoError(t, err)
		_, err = h.workers.RecordApproval(t.Context(), carelog.TheSystem(), "village_request", "zh", 1,
			carelog.Approval{Carrier: "aliyun", State: "approved", TemplateID: "SMS_1"})
		require.NoError(t, err)
		_, err = h.owner.Exec(t.Context(), "UPDATE messages SET line_id = $1 WHERE recipient_id = $2", line, second)
		require.NoError(t, err)
	}

	t.Run("EachTakesAndIsAskedAboutTheTextsOfItsLines", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		other := &carrier{name: "aliyun", send: func(context.Context, notify.Message) (notify.Receipt, error) {
			return notify.Receipt{}, &notify.SendError{Class: notify.Ambiguous}
		}}
		other.find = func(m notify.Message) ([]notify.Receipt, error) {
			return []notify.Receipt{{Delivery: notify.DeliveryDelivered}}, nil
		}
		h.others = append(h.others, other)
		moved(t, h)
		stop := h.start()
		h.becomes(1, onTheOther+"'sending'")
		h.becomes(1, "SELECT count(*) FROM messages WHERE purpose = 'village_request' AND dispatch = 'accepted'")
		require.Len(t, other.to(contactPhone), 1)
		require.Equal(t, "沂源县检察院", other.to(contactPhone)[0].From)
		require.Len(t, h.carrier.to(contactPhone), 1)
		stop()
		h.carrier.find = func(notify.Message) ([]notify.Receipt, error) {
			t.Error("the wrong carrier is asked")
			return nil, notify.ErrCannotKnow
		}
		h.later(carelog.SettlingTime + carelog.ListLag)
		h.start()
		h.becomes(1, onTheOther+"'accepted' AND delivery = 'delivered'")
		require.Len(t, other.to(contactPhone), 1, "nothing is sent twice")
	})

	t.Run("TextsOfOneThatIsNotSetUpWaitForTheOperator", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		moved(t, h)
		h.start()
		h.becomes(1, onTheOther+"'planned' AND m.reason LIKE '%misconfigured not_set_up%'")
		require.Len(t, h.carrier.to(contactPhone), 1)
	})
}
