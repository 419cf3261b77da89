package jobs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestProve(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.roots = filepath.Join(t.TempDir(), "roots")
	h.enrol("A-1")
	kept := func(n int) (roots []carelog.Root) {
		t.Helper()
		require.Eventually(t, func() bool {
			body, err := os.ReadFile(h.roots)
			return err == nil && bytes.Count(body, []byte("\n")) == n
		}, 20*time.Second, 20*time.Millisecond)
		body, err := os.ReadFile(h.roots)
		require.NoError(t, err)
		for _, line := range bytes.Split(bytes.TrimSpace(body), []byte("\n")) {
			var root carelog.Root
			require.NoError(t, json.Unmarshal(line, &root))
			wrong, err := h.workers.Against(t.Context(), carelog.TheSystem(), root)
			require.NoError(t, err)
			require.Empty(t, wrong, "what the file says fits")
			roots = append(roots, root)
		}
		return roots
	}

	stop := h.start()
	require.EqualValues(t, 1, kept(1)[0].Files)
	stop()
	// Nights of which the file knows nothing are added later, none twice.
	require.NoError(t, os.Rename(h.roots, h.roots+".away"))
	h.later(24 * time.Hour)
	stop = h.start()
	roots := kept(2)
	stop()
	require.Equal(t, []int64{1, 2}, []int64{roots[0].No, roots[1].No})
	h.start()
	h.becomes(3, "SELECT count(*) FROM river.river_job WHERE kind = 'prove' AND state = 'completed'")
	kept(2)
}
