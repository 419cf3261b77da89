package carelog

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIDs(t *testing.T) {
	t.Parallel()

	t.Run("RiseWithinAMillisecondAndBeyondItsRoom", func(t *testing.T) {
		t.Parallel()
		from := &source{Reader: rand.Reader}
		now := time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)
		var last RecipientID
		for range 3 * perMillisecond {
			id := newID[recipientKind](now, from)
			require.Positive(t, bytes.Compare(id[:], last[:]))
			last = id
		}
	})

	t.Run("FollowAClockThatIsSetToAnotherDay", func(t *testing.T) {
		t.Parallel()
		from := &source{Reader: rand.Reader}
		later := newID[recipientKind](time.Date(2026, time.November, 24, 0, 0, 0, 0, time.UTC), from)
		earlier := newID[recipientKind](time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC), from)
		require.Negative(t, bytes.Compare(earlier[:], later[:]))
	})

	t.Run("ReadWhatTheyWrite", func(t *testing.T) {
		t.Parallel()
		from := &source{Reader: rand.Reader}
		rapid.Check(t, func(t *rapid.T) {
			id := newID[planKind](time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "ms")), from)
			back, err := ParseID[planKind](id.String())
			require.NoError(t, err)
			require.Equal(t, id, back)
		})
	})
}
