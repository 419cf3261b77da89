package jobs

import (
	"context"
	"log/slog"
)

// warnings lets River speak only of what went wrong; the sweeps report their counts themselves.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
