package embeddedpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxLog is in bytes; a larger log is set aside at the next start.
const maxLog = 10 << 20

// openLog opens the log for appending and tells where the new part begins. A
// log grown over maxLog is set aside, replacing the one set aside before.
func openLog(path string) (f *os.File, offset int64, err error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, 0, fmt.Errorf("rotate database log: %w", err)
		}
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open database log: %w", err)
	}
	offset, err = f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open database log: %w", err), f.Close())
	}
	return f, offset, nil
}

// lastWords is what the server said last, since offset.
func lastWords(log *os.File, offset int64) string {
	info, err := log.Stat()
	if err != nil {
		return "its log cannot be read"
	}
	const enough = 64 << 10
	offset = max(offset, info.Size()-enough)
	text, err := io.ReadAll(io.NewSectionReader(log, offset, enough))
	if err != nil {
		return "its log cannot be read"
	}
	return tellingLine(string(text))
}

// tellingLine is the last line of an output that names a failure, else simply
// the last: PostgreSQL ends its log with "database system is shut down".
func tellingLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range slices.Backward(lines) {
		for _, mark := range []string{"FATAL:", "PANIC:", "error:"} {
			if strings.Contains(line, mark) {
				return strings.TrimSpace(line)
			}
		}
	}
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return "it said nothing"
}
