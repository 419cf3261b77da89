package main

import (
	"fmt"
	"io"

	"aftercare/internal/crypt"
)

// keysCommand makes the two keys an installation lives by.
type keysCommand struct{}

// Run prints a new pair once; it is kept nowhere.
func (c *keysCommand) Run(out io.Writer) error {
	master, index, err := crypt.GenerateKeys(nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "AFTERCARE_MASTER_KEY=%s\nAFTERCARE_INDEX_KEY=%s\n", master, index)
	return err
}
