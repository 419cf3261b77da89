package jobs_test

import "testing"

func TestApplyRetention(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start()
	h.becomes(1, "SELECT count(*) FROM retention_runs WHERE ended_at IS NOT NULL AND counts ? 'recipient_file'")
}
