package jobs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type proveArgs struct{}

func (proveArgs) Kind() string { return "prove" }

func (proveArgs) InsertOpts() river.InsertOpts { return oneAtATime("proving") }

// prove does the night's proof, and adds its root to the file that is kept elsewhere.
type prove struct {
	river.WorkerDefaults[proveArgs]
	log   *carelog.Log
	slog  *slog.Logger
	roots string        // the file; empty: none
	time  time.Duration // how long one job goes on; the next tick carries on
}

func (w *prove) Work(ctx context.Context, _ *river.Job[proveArgs]) error {
	bounded, done := context.WithTimeout(ctx, w.time)
	defer done()
	for more := true; more && bounded.Err() == nil; {
		var proof *carelog.Proof
		var err error
		if proof, more, err = w.log.Prove(ctx, 2000); err != nil {
			return err
		}
		if proof != nil {
			w.report(ctx, *proof)
		}
	}
	if w.roots == "" {
		return nil
	}
	return w.keepRoots(ctx)
}

func (w *prove) report(ctx context.Context, p carelog.Proof) {
	level, what := slog.LevelInfo, "night proved"
	if p.Broken > 0 {
		level, what = slog.LevelError, "records were changed, removed or moved"
	}
	w.slog.Log(ctx, level, what, "night", p.Night.String(), "root", p.Hash, "looked", p.Looked, "erased", p.Erased,
		"broken", p.Broken, "names", p.Names, "all_seen", p.AllSeen)
}

// keepRoots adds the roots that the file does not have yet, a line each.
func (w *prove) keepRoots(ctx context.Context) (err error) {
	file, err := os.OpenFile(w.roots, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("keep the roots: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	last, err := lastRoot(file)
	if err != nil {
		return err
	}
	for {
		roots, err := w.log.RootsAfter(ctx, carelog.TheSystem(), last, 10)
		if err != nil || len(roots) == 0 {
			return err
		}
		for _, root := range roots {
			line, err := json.Marshal(root)
			if err != nil {
				return fmt.Errorf("write a root down: %w", err)
			}
			if _, err := file.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("keep the roots: %w", err)
			}
			last = root.No
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("keep the roots: %w", err)
		}
	}
}

// lastRoot is the number of the last root in the file. A line that was cut off, by a
// full disk say, is said and not written over.
func lastRoot(file *os.File) (last int64, err error) {
	for lines := json.NewDecoder(bufio.NewReader(file)); lines.More(); {
		var root struct {
			No int64 `json:"no"`
		}
		if err := lines.Decode(&root); err != nil {
			return 0, fmt.Errorf("%s is damaged after root %d: move it away, a new one is written whole: %w", file.Name(), last, err)
		}
		last = root.No
	}
	return last, nil
}
