package carelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// Entry is one thing that happened to a recipient's file. Entries are never
// changed; a correction is a later entry.
type Entry struct {
	Seq        int64           `json:"seq"`          // 1, 2, 3 … within the file
	Recipient  RecipientID     `json:"recipient_id"` // the file: of a person whose files were merged there are several
	Kind       string          `json:"kind"`
	OccurredAt time.Time       `json:"occurred_at"`
	RecordedAt time.Time       `json:"recorded_at"`
	ActorKind  ActorKind       `json:"actor_kind"`
	ActorID    string          `json:"actor_id,omitempty"`
	ActorName  string          `json:"actor_name,omitempty"` // of an officer or contact the reader may see
	SubjectID  string          `json:"subject_id,omitempty"` // the plan, check-in, message … it is about
	Details    json.RawMessage `json:"details"`
	Hash       []byte          `json:"hash"`
}

// HistoryPage is a page of a file's history, newest first. Next is 0 on the last page.
type HistoryPage struct {
	Entries []Entry
	Next    int64
}

// History reads a page of a recipient's history, newest first: entries with a
// seq below before (0: from the newest), at most limit (1-200). Of a person whose
// files were merged it reads all of them as one; before then counts through all. Officers and
// supervisors of the file's office may; the read itself goes into the audit.
func (l *Log) History(ctx context.Context, by Actor, recipient RecipientID, before int64, limit int) (HistoryPage, error) {
	return write(ctx, l, by.anew(), func(tx txn) (HistoryPage, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return HistoryPage{}, err
		}
		if before <= 0 {
			before = 1<<63 - 1
		}
		limit = max(1, min(limit, 200))
		files, err := l.whole(ctx, tx, recipient)
		if err != nil {
			return HistoryPage{}, err
		}
		page, err := l.readHistory(ctx, tx, files, before, limit)
		if err != nil {
			return HistoryPage{}, err
		}
		for _, id := range files {
			if err := withholdScores(ctx, tx, id, page.Entries); err != nil {
				return HistoryPage{}, err
			}
		}
		tx.audit(file.office, "history_read", anyID(recipient), "")
		return page, nil
	})
}

// wholeHistory are the chains of one person as one, in the order things were written
// down. Each only grows, so the place of an entry stays what it was.
const wholeHistory = `(SELECT *, row_number() OVER (ORDER BY recorded_at, recipient_id, seq) AS place FROM history WHERE recipient_id = ANY ($1))`

func (l *Log) readHistory(ctx context.Context, tx txn, files []RecipientID, before int64, limit int) (HistoryPage, error) {
	keys := map[RecipientID]crypt.DataKey{}
	for _, id := range files {
		key, err := l.recipientKey(ctx, tx, id)
		if err != nil {
			return HistoryPage{}, err
		}
		keys[id] = key
	}
	// One chain is read by its own key, however long it is.
	from, place, asked := "history", "h.seq", any(files[0])
	where := "h.recipient_id = $1 AND h.seq < $2 ORDER BY h.seq DESC"
	if len(files) > 1 {
		from, place, asked, where = wholeHistory, "h.place", files, "h.place < $2 ORDER BY h.place DESC"
	}
	rows, err := tx.Query(ctx, `SELECT `+place+`, h.recipient_id, h.seq, h.kind, h.occurred_at, h.recorded_at, h.actor_kind, h.actor_id, h.subject_id, h.payload, h.hash,
			coalesce(u.data_key, k.data_key), coalesce(u.sealed, k.sealed)
		FROM `+from+` h
		LEFT JOIN users u ON u.id = h.actor_id AND h.actor_kind = 'person'
		LEFT JOIN village_contacts k ON k.id = h.actor_id AND h.actor_kind = 'contact'
		WHERE `+where+` LIMIT $3`, asked, before, limit+1)
	if err != nil {
		return HistoryPage{}, fmt.Errorf("read history: %w", err)
	}
	var page HistoryPage
	var e Entry
	var at int64
	var places []int64
	var actor, subject anyID
	var payload, wrapped, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&at, &e.Recipient, &e.Seq, &e.Kind, &e.OccurredAt, &e.RecordedAt, &e.ActorKind, &actor, &subject, &payload, &e.Hash, &wrapped, &sealed}, func() error {
		plain, err := keys[e.Recipient].Open(payload, "history.payload")
		if err != nil {
			return fmt.Errorf("open history entry %d: %w", e.Seq, err)
		}
		column := "users.sealed"
		if e.ActorKind == Contact {
			column = "village_contacts.sealed"
		}
		person, err := l.openPerson(actor, wrapped, sealed, column)
		if err != nil {
			return fmt.Errorf("open who wrote entry %d: %w", e.Seq, err)
		}
		entry := e
		entry.ActorName = person.Name
		entry.ActorID, entry.SubjectID, entry.Details = actor.String(), subject.String(), plain
		if len(plain) == 0 {
			entry.Details = json.RawMessage("{}")
		}
		entry.Hash = bytes.Clone(e.Hash)
		page.Entries, places = append(page.Entries, entry), append(places, at)
		return nil
	})
	if err != nil {
		return HistoryPage{}, fmt.Errorf("read history: %w", err)
	}
	if len(page.Entries) > limit {
		page.Entries = page.Entries[:limit]
		page.Next = places[limit-1]
	}
	return page, nil
}

// happening is an entry on its way into a history.
type happening struct {
	recipient RecipientID
	kind      string
	at        time.Time // zero: now
	actor     ActorKind // empty: the transaction's actor
	actorID   anyID
	subject   anyID
	details   any
}

// append notes happenings, to be added to their recipients' chains when the verb is done.
func (tx txn) append(happenings ...happening) {
	tx.pending.happenings = append(tx.pending.happenings, happenings...)
}

// addHistory adds happenings to their recipients' chains. It locks the heads in
// the order of their ids.
func (l *Log) addHistory(ctx context.Context, tx txn, happenings []happening) error {
	if len(happenings) == 0 {
		return nil
	}
	heads, err := l.lockHeads(ctx, tx, happenings)
	if err != nil {
		return err
	}
	rows := historyRows{}
	for _, h := range happenings {
		head, ok := heads[h.recipient]
		if !ok {
			return fmt.Errorf("history of an unknown recipient %s", h.recipient)
		}
		if err := rows.add(tx, head, h); err != nil {
			return err
		}
	}
	return rows.insert(ctx, tx, heads)
}

type head struct {
	recipient RecipientID
	seq       int64
	hash      []byte
	key       crypt.DataKey
}

func (l *Log) lockHeads(ctx context.Context, tx txn, happenings []happening) (map[RecipientID]*head, error) {
	var ids []RecipientID
	for _, h := range happenings {
		ids = append(ids, h.recipient)
	}
	slices.SortFunc(ids, func(a, b RecipientID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	rows, err := tx.Query(ctx, `SELECT h.recipient_id, h.seq, h.hash, r.data_key
		FROM history_heads h JOIN recipients r ON r.id = h.recipient_id
		WHERE h.recipient_id = ANY ($1) ORDER BY h.recipient_id FOR UPDATE OF h`, ids)
	if err != nil {
		return nil, fmt.Errorf("lock history heads: %w", err)
	}
	heads := map[RecipientID]*head{}
	var id RecipientID
	var seq int64
	var sum, wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &seq, &sum, &wrapped}, func() error {
		var key crypt.DataKey // of an erased file: none
		if wrapped != nil {
			var err error
			if key, err = l.keys.Unwrap(id, wrapped); err != nil {
				return fmt.Errorf("open the recipient's key: %w", err)
			}
		}
		heads[id] = &head{recipient: id, seq: seq, hash: bytes.Clone(sum), key: key}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock history heads: %w", err)
	}
	return heads, nil
}

// historyRows is a column store for one multi-row insert: COPY is refused under
// row-level security.
type historyRows struct {
	recipients           []RecipientID
	seqs                 []int64
	kinds                []string
	occurred, recorded   []time.Time
	actorKinds           []string
	actors, subjects     []anyID
	payloads, prevs, own [][]byte
}

func (r *historyRows) add(tx txn, head *head, h happening) error {
	plain := []byte("{}")
	if h.details != nil {
		var err error
		if plain, err = json.Marshal(h.details); err != nil {
			return fmt.Errorf("write down %s: %w", h.kind, err)
		}
	}
	if h.at.IsZero() {
		h.at = tx.now
	}
	if h.actor == "" {
		h.actor, h.actorID = tx.by.Kind, anyID(tx.by.User)
	}
	h.at = h.at.Truncate(time.Microsecond)
	head.seq++
	var payload []byte // nothing is kept of what happens to an erased file but that it did
	if !head.key.IsZero() {
		payload = head.key.Seal(plain, "history.payload")
	}
	sum := chainHash(head.hash, head.recipient, head.seq, h.kind, h.at, tx.now, h.actor, h.actorID, h.subject, payload)
	r.recipients = append(r.recipients, head.recipient)
	r.seqs = append(r.seqs, head.seq)
	r.kinds = append(r.kinds, h.kind)
	r.occurred = append(r.occurred, h.at)
	r.recorded = append(r.recorded, tx.now)
	r.actorKinds = append(r.actorKinds, string(h.actor))
	r.actors = append(r.actors, h.actorID)
	r.subjects = append(r.subjects, h.subject)
	r.payloads = append(r.payloads, payload)
	r.prevs = append(r.prevs, head.hash)
	r.own = append(r.own, sum)
	head.hash = sum
	return nil
}

func (r *historyRows) insert(ctx context.Context, tx txn, heads map[RecipientID]*head) error {
	_, err := tx.Exec(ctx, `INSERT INTO history
		(recipient_id, seq, kind, occurred_at, recorded_at, actor_kind, actor_id, subject_id, payload, prev_hash, hash)
		SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
			$7::uuid[], $8::uuid[], $9::bytea[], $10::bytea[], $11::bytea[])`,
		r.recipients, r.seqs, r.kinds, r.occurred, r.recorded, r.actorKinds, r.actors, r.subjects, r.payloads, r.prevs, r.own)
	if err != nil {
		return fmt.Errorf("insert history: %w", err)
	}
	var ids []RecipientID
	var seqs []int64
	var sums [][]byte
	for _, h := range heads {
		ids, seqs, sums = append(ids, h.recipient), append(seqs, h.seq), append(sums, h.hash)
	}
	_, err = tx.Exec(ctx, `UPDATE history_heads h SET seq = u.seq, hash = u.hash
		FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS u (id, seq, hash) WHERE h.recipient_id = u.id`, ids, seqs, sums)
	if err != nil {
		return fmt.Errorf("move history heads: %w", err)
	}
	return r.feed(ctx, tx)
}

// chainHash binds every column of an entry, and the entry before it.
func chainHash(prev []byte, recipient RecipientID, seq int64, kind string, occurred, recorded time.Time,
	actorKind ActorKind, actor, subject anyID, payload []byte,
) []byte {
	h := sha256.New()
	h.Write(prev)
	h.Write(recipient[:])
	hashInt(h, seq)
	hashBytes(h, []byte(kind))
	hashInt(h, occurred.UnixMicro())
	hashInt(h, recorded.UnixMicro())
	hashBytes(h, []byte(actorKind))
	h.Write(actor[:])
	h.Write(subject[:])
	hashBytes(h, payload)
	return h.Sum(nil)
}

func hashInt(h hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

// hashBytes writes the length first, so that no two splits of the same bytes agree.
func hashBytes(h hash.Hash, b []byte) {
	hashInt(h, int64(len(b)))
	h.Write(b)
}
