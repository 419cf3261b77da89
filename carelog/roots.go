package carelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Root is what the heads of all chains come to at the end of a night, in the form in
// which it is kept elsewhere. Whoever has it can tell later that a chain was cut off or
// a file taken away, whoever did it.
type Root struct {
	No      int64         `json:"no"` // 1, 2, 3 …
	Night   calendar.Date `json:"night"`
	At      time.Time     `json:"at"`
	Hash    string        `json:"root"` // in hex: the Merkle tree of RFC 6962 over the heads, the audit's first, then by the recipients' ids
	Files   int64         `json:"files"`
	Entries int64         `json:"entries"`
	Audit   int64         `json:"audit_entries"`
	Heads   []Head        `json:"heads,omitempty"` // what grew since the root before; left out where there are very many
	Left    bool          `json:"heads_left_out,omitempty"`
}

// Head is the end of one chain under a root.
type Head struct {
	Chain string `json:"chain"` // the recipient's id; zeros: the audit
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
}

// theAudit is the audit's chain among those of recipients.
var theAudit [16]byte

func chainName(id string) string {
	if id == "00000000-0000-0000-0000-000000000000" {
		return "audit"
	}
	return "recipient " + id
}

// headsAtMost is how many heads a kept root brings along: 10,000 are one megabyte.
const headsAtMost = 10_000

// RootsAfter lists the roots after one of a number, the oldest first, at most limit, each
// with the heads that had grown. The system may, signed in as the workers.
func (l *Log) RootsAfter(ctx context.Context, by Actor, no int64, limit int) ([]Root, error) {
	if by.Kind != System {
		return nil, forbidden("only the operator keeps the roots")
	}
	return read(ctx, l, by, func(tx txn) ([]Root, error) {
		roots, err := listRoots(ctx, tx, "no > $1 ORDER BY no LIMIT $2", no, limit)
		if err != nil {
			return nil, err
		}
		for i := range roots {
			rows, err := tx.Query(ctx, "SELECT chain::text, seq, encode(hash, 'hex') FROM proof_heads WHERE no = $1 ORDER BY chain LIMIT $2", roots[i].No, headsAtMost+1)
			if err != nil {
				return nil, fmt.Errorf("list heads: %w", err)
			}
			heads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Head])
			if err != nil {
				return nil, fmt.Errorf("list heads: %w", err)
			}
			if roots[i].Left = len(heads) > headsAtMost; !roots[i].Left {
				roots[i].Heads = heads
			}
		}
		return roots, nil
	})
}

// NewestRoot is the root of the last night that has one. NotFound before the first.
func (l *Log) NewestRoot(ctx context.Context, by Actor) (Root, error) {
	if by.Kind != System {
		return Root{}, forbidden("only the operator keeps the roots")
	}
	return read(ctx, l, by, func(tx txn) (Root, error) {
		roots, err := listRoots(ctx, tx, "$1::bigint IS NULL ORDER BY no DESC LIMIT $2", nil, 1)
		if err == nil && len(roots) == 0 {
			return Root{}, notFound("root: the workers make one every night")
		}
		if err != nil {
			return Root{}, err
		}
		return roots[0], nil
	})
}

func listRoots(ctx context.Context, tx txn, which string, from any, limit int) ([]Root, error) {
	rows, err := tx.Query(ctx, "SELECT no, night, at, encode(root, 'hex'), files, entries, audit_entries FROM proofs WHERE "+which, from, limit)
	if err != nil {
		return nil, fmt.Errorf("list roots: %w", err)
	}
	roots, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Root, err error) {
		return r, row.Scan(&r.No, &r.Night, &r.At, &r.Hash, &r.Files, &r.Entries, &r.Audit)
	})
	if err != nil {
		return nil, fmt.Errorf("list roots: %w", err)
	}
	return roots, nil
}

// Against compares a root that was kept elsewhere with the database: the heads stored
// under it must still come to it, and every head it brought along must still have its
// entry. It names what was cut off, replaced or taken away since. The system may, signed
// in as the workers.
func (l *Log) Against(ctx context.Context, by Actor, kept Root) ([]string, error) {
	if by.Kind != System {
		return nil, forbidden("only the operator keeps the roots")
	}
	return read(ctx, l, by, func(tx txn) ([]string, error) {
		now, err := rootUnder(ctx, tx, kept.No)
		if err != nil {
			return nil, err
		}
		var wrong []string
		if hex.EncodeToString(now.root) != kept.Hash {
			wrong = append(wrong, fmt.Sprintf("root %d of %s: the heads stored under it do not come to it any more (%d files then, %d now)",
				kept.No, kept.Night, kept.Files, now.files))
		}
		gone, err := goneHeads(ctx, tx, kept)
		return append(wrong, gone...), err
	})
}

func goneHeads(ctx context.Context, tx txn, kept Root) ([]string, error) {
	var chains, sums []string
	var seqs []int64
	for _, h := range kept.Heads {
		chains, seqs, sums = append(chains, h.Chain), append(seqs, h.Seq), append(sums, h.Hash)
	}
	rows, err := tx.Query(ctx, `SELECT k.chain, k.seq FROM unnest($1::text[], $2::bigint[], $3::text[]) AS k (chain, seq, hash)
		LEFT JOIN history h ON h.recipient_id = k.chain::uuid AND h.seq = k.seq
		LEFT JOIN audit a ON k.chain::uuid = $4 AND a.seq = k.seq
		WHERE encode(coalesce(h.hash, a.hash), 'hex') IS DISTINCT FROM k.hash ORDER BY k.chain`, chains, seqs, sums, theAudit)
	if err != nil {
		return nil, fmt.Errorf("look for the heads of a root: %w", err)
	}
	gone, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var of string
		var seq int64
		err := row.Scan(&of, &seq)
		return fmt.Sprintf("%s: entry %d, under the kept root of %s, is gone or was replaced", chainName(of), seq, kept.Night), err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the heads of a root: %w", err)
	}
	return gone, nil
}

// heads is what stands under a root.
type heads struct {
	root                  []byte
	files, entries, audit int64
}

// rootUnder works the root of a number out from the heads stored under it.
func rootUnder(ctx context.Context, tx txn, no int64) (heads, error) {
	rows, err := tx.Query(ctx, "SELECT DISTINCT ON (chain) chain, seq, hash FROM proof_heads WHERE no <= $1 ORDER BY chain, no DESC", no)
	if err != nil {
		return heads{}, fmt.Errorf("read the heads: %w", err)
	}
	var found heads
	var tree merkle
	var of [16]byte
	var seq int64
	var sum []byte
	_, err = pgx.ForEachRow(rows, []any{&of, &seq, &sum}, func() error {
		if of == theAudit {
			found.audit = seq
		} else {
			found.files++
			found.entries += seq
		}
		tree.add(func(h hash.Hash) {
			h.Write(of[:])
			hashInt(h, seq)
			h.Write(sum)
		})
		return nil
	})
	if err != nil {
		return heads{}, fmt.Errorf("read the heads: %w", err)
	}
	found.root = tree.root()
	return found, nil
}

// merkle is the tree hash of RFC 6962 over leaves that come one by one: it holds one
// node a level, and with log2(n) of the others a single leaf can be shown to be in it.
type merkle struct{ levels [][]byte }

func (m *merkle) add(leaf func(hash.Hash)) {
	h := sha256.New()
	h.Write([]byte{0})
	leaf(h)
	node := h.Sum(nil)
	for i := range m.levels {
		if m.levels[i] == nil {
			m.levels[i] = node
			return
		}
		node = joined(m.levels[i], node)
		m.levels[i] = nil
	}
	m.levels = append(m.levels, node)
}

// root joins what is left from the right; without a leaf it is the hash of nothing.
func (m *merkle) root() []byte {
	var node []byte
	for _, left := range m.levels {
		switch {
		case left == nil:
		case node == nil:
			node = bytes.Clone(left)
		default:
			node = joined(left, node)
		}
	}
	if node == nil {
		return sha256.New().Sum(nil)
	}
	return node
}

func joined(left, right []byte) []byte {
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(left)
	h.Write(right)
	return h.Sum(nil)
}
