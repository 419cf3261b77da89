package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"aftercare/carelog"
)

// printRoot prints the last night's root as it is kept elsewhere.
func printRoot(ctx context.Context, s *service, out io.Writer) error {
	root, err := s.work.NewestRoot(ctx, carelog.TheSystem())
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(root)
}

// compare holds the database against roots that were kept elsewhere.
func (c *doctorCommand) compare(ctx context.Context, s *service, out io.Writer) error {
	if c.Against == "" {
		return nil
	}
	file, err := os.Open(c.Against)
	if err != nil {
		return err
	}
	defer file.Close()
	kept, wrong := 0, 0
	for lines := json.NewDecoder(file); ; kept++ {
		var root carelog.Root
		if err := lines.Decode(&root); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%s: line %d is no root: %w", c.Against, kept+1, err)
		}
		found, err := s.work.Against(ctx, carelog.TheSystem(), root)
		if err != nil {
			return err
		}
		for _, name := range found {
			fmt.Fprintln(out, name)
		}
		wrong += len(found)
	}
	if wrong > 0 {
		return fmt.Errorf("the kept roots do not fit: %d chains or roots were cut off, replaced or taken away", wrong)
	}
	_, err = fmt.Fprintf(out, "%d kept roots fit\n", kept)
	return err
}
