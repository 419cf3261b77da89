//go:build !linux

package pgtest

// memory is empty: the databases live in the system's temporary directory.
func memory() string { return "" }
