package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aftercare/carelog"
	"aftercare/internal/ledger"
)

// importCommand enrols a ledger.
type importCommand struct {
	databaseFlags
	Ledger      string `arg:"" type:"existingfile" help:"The ledger, .xlsx or .csv, with the columns of docs/ledger.md."`
	As          string `required:"" help:"Login of the officer in whose name it is imported."`
	DryRun      bool   `help:"Report what would be done and change nothing."`
	AddVillages bool   `help:"Add villages the office does not know yet."`
	carrierFlags
}

// Run imports all rows or none.
func (c *importCommand) Run(ctx context.Context, out io.Writer) error {
	file, err := os.Open(c.Ledger)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := c.checkCarrier(); err != nil {
		return err
	}
	table, err := readLedger(file, filepath.Base(c.Ledger))
	if err != nil {
		return err
	}
	return c.with(ctx, c.Carrier, func(s *service) error {
		// Texts are planned on the line that serve will send from.
		if err := s.ensureLines(ctx, c.carrierFlags); err != nil {
			return err
		}
		actor, err := s.work.ActAs(ctx, carelog.TheSystem(), c.As)
		if err != nil {
			return fmt.Errorf("--as %s: %w", c.As, err)
		}
		report, err := s.door.ImportLedger(ctx, actor, table, carelog.ImportOptions{DryRun: c.DryRun, AddVillages: c.AddVillages, Progress: progress(out)})
		if err != nil {
			if ctx.Err() != nil {
				return errors.New("interrupted: nothing was imported")
			}
			return err
		}
		return printReport(out, report)
	})
}

// progress says how far a long import is, a line a thousand rows. Nothing of it is
// kept before the last.
func progress(out io.Writer) func(done, rows int) {
	return func(done, rows int) {
		if done%1000 == 0 && done < rows {
			fmt.Fprintf(out, "%d of %d rows looked at\n", done, rows)
		}
	}
}

func readLedger(r io.Reader, name string) (carelog.Ledger, error) {
	table, err := ledger.Read(r, name)
	if err != nil {
		return carelog.Ledger{}, err
	}
	out := carelog.Ledger{Header: table.Header}
	for _, row := range table.Rows {
		out.Rows = append(out.Rows, carelog.LedgerRow{Number: row.Number, Cells: row.Cells})
	}
	return out, nil
}

func printReport(w io.Writer, r carelog.ImportReport) error {
	for _, p := range r.Problems {
		fmt.Fprintf(w, "row %d, %s: %s\n", p.Row, p.Column, p.Reason)
	}
	for _, p := range r.Warnings {
		fmt.Fprintf(w, "warning: row %d, %s: %s\n", p.Row, p.Column, p.Reason)
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("nothing was imported: %d problems in %d rows", len(r.Problems), r.Rows)
	}
	verb := "enrolled"
	if r.DryRun {
		verb = "would be enrolled (dry run, nothing changed)"
	}
	_, err := fmt.Fprintf(w, "%d rows: %d %s with %d check-ins ahead, %d unchanged\n", r.Rows, r.Enrolled, verb, r.CheckIns, r.Unchanged)
	return err
}
