package notify

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// HandsetMessage is one text as a simulated phone shows it.
type HandsetMessage struct {
	SID       string    `json:"sid"`
	MessageID string    `json:"message_id,omitempty"` // ours; empty for a text typed on the handset
	Number    string    `json:"number"`               // the handset
	Peer      string    `json:"peer"`                 // our number, "" where the carrier chooses it
	Incoming  bool      `json:"incoming"`             // true: from us to the handset
	Text      string    `json:"text"`
	At        time.Time `json:"at"`
	Status    string    `json:"status,omitempty"` // a Delivery constant; incoming only
	ErrorCode string    `json:"error_code,omitempty"`
}

// handsets keeps what the simulated phones show, in memory and, with a file, as JSON lines: a
// line a message, and once more whenever its status changes.
type handsets struct {
	mu       sync.Mutex
	messages []HandsetMessage
	bySID    map[string]int
	byNumber map[string][]int
	file     *os.File // nil: memory only
}

func openHandsets(path string) (*handsets, error) {
	h := &handsets{bySID: map[string]int{}, byNumber: map[string][]int{}}
	if path == "" {
		return h, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open handset file: %w", err)
	}
	if err := h.load(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	h.file = file
	return h, nil
}

// load reads the file up to the first line that was not written to its end, and cuts that off.
func (h *handsets) load(file *os.File) error {
	reader, whole := bufio.NewReader(file), int64(0)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read handset file: %w", err)
		}
		var m HandsetMessage
		if json.Unmarshal(line, &m) != nil || m.SID == "" {
			return fmt.Errorf("read handset file: byte %d begins no message", whole)
		}
		h.remember(m)
		whole += int64(len(line))
	}
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("repair handset file: %w", err)
	}
	return nil
}

func (h *handsets) put(m HandsetMessage) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remember(m)
	return h.write(m)
}

// setStatus records what became of a message; an unknown sid is ignored.
func (h *handsets) setStatus(sid, status, code string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.bySID[sid]
	if !ok {
		return nil
	}
	h.messages[at].Status, h.messages[at].ErrorCode = status, code
	return h.write(h.messages[at])
}

func (h *handsets) of(number string) []HandsetMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []HandsetMessage
	for _, at := range h.byNumber[number] {
		found = append(found, h.messages[at])
	}
	return found
}

func (h *handsets) numbers() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.byNumber))
}

func (h *handsets) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	file := h.file
	h.file = nil
	return file.Close()
}

func (h *handsets) remember(m HandsetMessage) {
	if at, ok := h.bySID[m.SID]; ok {
		h.messages[at] = m
		return
	}
	at := len(h.messages)
	h.messages = append(h.messages, m)
	h.bySID[m.SID] = at
	h.byNumber[m.Number] = append(h.byNumber[m.Number], at)
}

func (h *handsets) write(m HandsetMessage) error {
	if h.file == nil {
		return nil
	}
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write handset file: %w", err)
	}
	if _, err := h.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write handset file: %w", err)
	}
	return nil
}
