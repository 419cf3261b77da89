package carelog_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// keyed is an actor whose request carries an idempotency key.
func keyed(by carelog.Actor, key, hash string) carelog.Actor {
	by.RequestKey, by.RequestHash = key, []byte(hash)
	return by
}

func TestIdempotency(t *testing.T) {
	t.Parallel()

	t.Run("ARepeatGetsTheFirstAnswerAndEnrolsOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		by := keyed(c.officer, "k1", "h1")
		first, err := c.app.EnrolRecipient(c.ctx(), by, c.enrolment("A-1", 3))
		require.NoError(t, err)
		again, err := c.app.EnrolRecipient(c.ctx(), by, c.enrolment("A-1", 3))
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("AnAnswerIsForgottenAfterThirtyDays", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h1"), c.enrolment("A-1", 3))
		require.NoError(t, err)
		forgotten, err := c.work.ForgetAnswers(c.ctx(), 10)
		require.NoError(t, err)
		require.Zero(t, forgotten)
		c.exec("UPDATE idempotency_keys SET created_at = created_at - interval '31 days'")
		forgotten, err = c.work.ForgetAnswers(c.ctx(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, forgotten)
	})

	t.Run("ConcurrentTwinsEnrolOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		var group sync.WaitGroup
		answers := make([]carelog.Enrolled, 6)
		for i := range answers {
			group.Go(func() {
				var err error
				answers[i], err = c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h1"), c.enrolment("A-1", 3))
				require.NoError(t, err)
			})
		}
		group.Wait()
		for _, a := range answers {
			require.Equal(t, answers[0], a)
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("AnotherRequestUnderTheKeyIsRefused", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h1"), c.enrolment("A-1", 3))
		require.NoError(t, err)
		_, err = c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h2"), c.enrolment("A-2", 3))
		require.Equal(t, carelog.KeyReused, carelog.KindOf(err))
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("ARefusedRequestLeavesTheKeyFree", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		by := keyed(c.officer, "k1", "h1")
		_, err := c.app.EnrolRecipient(c.ctx(), by, carelog.Enrolment{})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		_, err = c.app.EnrolRecipient(c.ctx(), by, c.enrolment("A-1", 3))
		require.NoError(t, err)
	})

	t.Run("KeysOfTwoPeopleAreTwoKeys", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		other := c.addUser(c.office, "wu", "", carelog.Officer)
		_, err := c.app.EnrolRecipient(c.ctx(), keyed(c.officer, "k1", "h1"), c.enrolment("A-1", 3))
		require.NoError(t, err)
		_, err = c.app.EnrolRecipient(c.ctx(), keyed(other, "k1", "h2"), c.enrolment("A-2", 3))
		require.NoError(t, err)
	})
}
