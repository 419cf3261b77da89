package main

import (
	"context"
	"fmt"
	"io"

	"aftercare/carelog"
	"aftercare/internal/crypt"
)

// keysCommand looks after the keys an installation lives by.
type keysCommand struct {
	Make   makeKeys   `cmd:"" default:"1" help:"Print a new master and index key."`
	Rotate rotateKeys `cmd:"" help:"Wrap every data key with the first of AFTERCARE_MASTER_KEY. May be interrupted and run again."`
	Status keyStatus  `cmd:"" help:"Tell how many data keys hang on which master key."`
}

// makeKeys makes a pair of keys.
type makeKeys struct{}

// Run prints a new pair once; it is kept nowhere.
func (c *makeKeys) Run(out io.Writer) error {
	master, index, err := crypt.GenerateKeys(nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "AFTERCARE_MASTER_KEY=%s\nAFTERCARE_INDEX_KEY=%s\n", master, index)
	return err
}

// rotateKeys brings all data keys under the current master key.
type rotateKeys struct {
	databaseFlags
	Batch int `default:"500" help:"How many data keys are wrapped in one transaction."`
}

// Run reports what it did also when it is interrupted.
func (c *rotateKeys) Run(ctx context.Context, out io.Writer) error {
	if c.Batch < 1 {
		return fmt.Errorf("--batch %d is not a number of keys", c.Batch)
	}
	return c.with(ctx, "", func(s *service) error {
		counts, order := map[string]int{}, []string{}
		err := s.work.RotateKeys(ctx, carelog.TheSystem(), c.Batch, func(table string, rewrapped int) {
			if _, seen := counts[table]; !seen {
				order = append(order, table)
			}
			counts[table] += rewrapped
		})
		for _, table := range order {
			fmt.Fprintf(out, "%s: %d data keys wrapped anew\n", table, counts[table])
		}
		if err != nil {
			return err
		}
		return printKeyUses(ctx, s, out)
	})
}

// keyStatus tells what may be retired.
type keyStatus struct{ databaseFlags }

// Run prints a line a table and master key.
func (c *keyStatus) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, "", func(s *service) error { return printKeyUses(ctx, s, out) })
}

// printKeyUses fails where a data key hangs on a master key that is not configured.
func printKeyUses(ctx context.Context, s *service, out io.Writer) error {
	uses, err := s.work.KeyUses(ctx, carelog.TheSystem())
	if err != nil {
		return err
	}
	lost, old := 0, 0
	for _, u := range uses {
		standing := "current"
		switch {
		case !u.Configured:
			standing, lost = "NOT CONFIGURED", lost+u.Keys
		case !u.Current:
			standing, old = "to be rotated", old+u.Keys
		}
		fmt.Fprintf(out, "%-20s %-32s %-4s %8d  %s\n", u.Table, u.Master, u.Suite, u.Keys, standing)
	}
	if lost > 0 {
		return fmt.Errorf("%d data keys hang on a master key that is not in AFTERCARE_MASTER_KEY", lost)
	}
	if old > 0 {
		_, err = fmt.Fprintf(out, "%d data keys hang on an older master key or suite: run `aftercare keys rotate` once every process has the new one first\n", old)
		return err
	}
	_, err = fmt.Fprintf(out, "every data key hangs on the master key %s: others may be retired\n", s.config.keys.MasterID())
	return err
}
