package carelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// look looks at the next rows after a key, at most about limit.
type look func(ctx context.Context, l *Log, tx txn, after []string, limit int) (looked, error)

// looked is what a look found, and where the next one goes on.
type looked struct {
	Findings
	rows  int
	after []string
	ended bool // there is nothing more
}

// Findings are what was looked at and what is wrong.
type Findings struct {
	Files  int // recipients whose chain was walked
	Looked int // rows
	Erased int // values, and keys, that are destroyed: nobody can tell whether they were changed
	Broken int
	Names  []string // of the first hundred that are broken: table or chain, column, id
}

const namedAtMost = 100

func (f *Findings) name(format string, args ...any) {
	if f.Broken++; len(f.Names) < namedAtMost {
		f.Names = append(f.Names, fmt.Sprintf(format, args...))
	}
}

func (f *Findings) add(more Findings) {
	f.Files += more.Files
	f.Looked += more.Looked
	f.Erased += more.Erased
	f.Broken += more.Broken
	f.Names = append(f.Names, more.Names[:min(len(more.Names), namedAtMost-len(f.Names))]...)
}

// stretch is one of the things that a round looks at. Its name is kept in proof_round.
type stretch struct {
	name string
	look look
}

// stretches are the whole round, in order.
func stretches() []stretch {
	all := []stretch{{"chain of the audit", lookAtAudit}, {"chains", lookAtChains}, {"heads", lookAtHeads}}
	for _, table := range keyTables {
		all = append(all, stretch{"keys of " + table, lookAtKeys(table)})
	}
	for _, s := range sealedTables {
		all = append(all, stretch{"values of " + s.name, s.look})
	}
	return all
}

// lookOn looks at a few rows of a place and counts them.
func (l *Log) lookOn(ctx context.Context, tx txn, p stretch, after []string, limit int) (looked, error) {
	if after == nil {
		after = []string{}
	}
	found, err := p.look(ctx, l, tx, after, limit)
	if err != nil {
		return looked{}, fmt.Errorf("look at the %s: %w", p.name, err)
	}
	found.Looked = found.rows
	return found, nil
}

const verifyBatch = 2000

// VerifyAll looks at every chain, every head that a root has kept, every data key and
// every sealed value, and names what was changed, removed or swapped. A change of one
// byte is found. The system may, signed in as the workers.
func (l *Log) VerifyAll(ctx context.Context, by Actor) (Findings, error) {
	if by.Kind != System {
		return Findings{}, forbidden("only the operator verifies all chains")
	}
	var all Findings
	for _, p := range stretches() {
		var after []string
		for ended := false; !ended; {
			found, err := read(ctx, l, by, func(tx txn) (looked, error) { return l.lookOn(ctx, tx, p, after, verifyBatch) })
			if err != nil {
				return Findings{}, err
			}
			all.add(found.Findings)
			after, ended = found.after, found.ended
		}
	}
	return all, nil
}

// VerifyHistory walks a recipient's chain and names the first entry that was
// changed, removed or moved; "" when it is whole. It needs no key.
func (l *Log) VerifyHistory(ctx context.Context, by Actor, recipient RecipientID) (string, error) {
	return read(ctx, l, by, func(tx txn) (string, error) {
		found, err := verifyChains(ctx, tx, "id = $1 LIMIT $2", recipient, 1)
		if err != nil {
			return "", err
		}
		if found.Files == 0 {
			return "", notFound("recipient")
		}
		return append(found.Names, "")[0], nil
	})
}

// filesAtOnce is how many chains are walked by one query.
const filesAtOnce = 200

func lookAtChains(ctx context.Context, _ *Log, tx txn, after []string, _ int) (looked, error) {
	if len(after) == 0 {
		return verifyChains(ctx, tx, "$1::uuid IS NULL ORDER BY id LIMIT $2", nil, filesAtOnce)
	}
	return verifyChains(ctx, tx, "id > $1 ORDER BY id LIMIT $2", after[0], filesAtOnce)
}

// verifyChains walks the chains of the chosen recipients: heads and entries are read by
// one statement, so that an entry added meanwhile is in both or in neither. Of each
// chain the first that is wrong is named.
func verifyChains(ctx context.Context, tx txn, which string, from any, files int) (looked, error) {
	rows, err := tx.Query(ctx, `SELECT r.id, coalesce(d.seq, 0), d.hash, h.seq, coalesce(h.kind, ''), coalesce(h.occurred_at, to_timestamp(0)),
			coalesce(h.recorded_at, to_timestamp(0)), coalesce(h.actor_kind, ''), h.actor_id, h.subject_id, h.payload, h.prev_hash, h.hash
		FROM (SELECT id FROM recipients WHERE `+which+`) r
		LEFT JOIN history_heads d ON d.recipient_id = r.id
		LEFT JOIN history h ON h.recipient_id = r.id ORDER BY r.id, h.seq`, from, files)
	if err != nil {
		return looked{}, fmt.Errorf("read histories: %w", err)
	}
	var found looked
	var c chain
	var recipient, actor, subject anyID
	var e Entry
	var seq *int64
	var headSeq int64
	var headHash, payload, before []byte
	_, err = pgx.ForEachRow(rows, []any{
		&recipient, &headSeq, &headHash, &seq, &e.Kind, &e.OccurredAt, &e.RecordedAt, &e.ActorKind,
		&actor, &subject, &payload, &before, &e.Hash,
	}, func() error {
		if name := "recipient " + recipient.String(); name != c.name {
			c.end(&found.Findings)
			c = newChain(name, headSeq, headHash)
			found.Files++
			found.after = []string{recipient.String()}
		}
		if seq == nil { // no entry at all
			return nil
		}
		found.rows++
		c.add(&found.Findings, *seq, before, e.Hash, func(prev []byte) []byte {
			return chainHash(prev, RecipientID(recipient), *seq, e.Kind, e.OccurredAt, e.RecordedAt, e.ActorKind, actor, subject, payload)
		})
		return nil
	})
	if err != nil {
		return looked{}, fmt.Errorf("read histories: %w", err)
	}
	c.end(&found.Findings)
	found.ended = found.Files < files
	return found, nil
}

// chain is the walk along one chain.
type chain struct {
	name     string
	want     int64  // the number the next entry must have
	prev     []byte // the hash it must build on
	headSeq  int64
	headHash []byte
	wrong    bool // something was named already
}

func newChain(name string, headSeq int64, headHash []byte) chain {
	return chain{name: name, want: 1, prev: make([]byte, sha256.Size), headSeq: headSeq, headHash: bytes.Clone(headHash)}
}

func (c *chain) add(found *Findings, seq int64, before, own []byte, sum func(prev []byte) []byte) {
	if !c.wrong && (seq != c.want || !bytes.Equal(before, c.prev) || !bytes.Equal(sum(c.prev), own)) {
		c.wrong = true
		found.name("%s: entry %d was changed, removed or moved", c.name, min(seq, c.want))
	}
	c.want, c.prev = seq+1, bytes.Clone(own)
}

// end compares the last entry with the head. The zero chain has none.
func (c *chain) end(found *Findings) {
	if c.name != "" && !c.wrong && (c.want-1 != c.headSeq || !bytes.Equal(c.prev, c.headHash)) {
		found.name("%s: the chain ends at %d, its head says %d", c.name, c.want-1, c.headSeq)
	}
}

// lookAtHeads looks whether every head that stood under a root still has its entry. It
// finds chains that were cut off with their head set back, and files that are gone.
func lookAtHeads(ctx context.Context, _ *Log, tx txn, after []string, limit int) (looked, error) {
	rows, err := tx.Query(ctx, `SELECT p.chain::text, p.no, p.seq, n.night::text, coalesce(coalesce(h.hash, a.hash) = p.hash, false)
		FROM (SELECT * FROM proof_heads WHERE `+afterKey(after, []keyColumn{{"chain", "uuid"}, {"no", "bigint"}})+` LIMIT $2) p
		JOIN proofs n ON n.no = p.no
		LEFT JOIN history h ON h.recipient_id = p.chain AND h.seq = p.seq
		LEFT JOIN audit a ON p.chain = $3 AND a.seq = p.seq
		ORDER BY p.chain, p.no`, after, limit, theAudit)
	if err != nil {
		return looked{}, fmt.Errorf("read the heads: %w", err)
	}
	var found looked
	var of, night string
	var no, seq int64
	var whole bool
	_, err = pgx.ForEachRow(rows, []any{&of, &no, &seq, &night, &whole}, func() error {
		found.rows++
		found.after = []string{of, fmt.Sprint(no)}
		if !whole {
			found.name("%s: entry %d, under the root of %s, is gone or was replaced", chainName(of), seq, night)
		}
		return nil
	})
	if err != nil {
		return looked{}, fmt.Errorf("read the heads: %w", err)
	}
	found.ended = found.rows < limit
	return found, nil
}
