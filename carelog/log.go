// Package carelog is what we know: the rules, the SQL and the history of care.
// Every public verb owns its transaction, checks who may, writes what happened
// into the recipient's history and enqueues what must happen later, all in one.
package carelog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Queue is the few things the care log wants done later. Each is enqueued in
// tx, so that it is done if and only if the change commits.
type Queue interface {
	// SendDue wakes the drain of a line: it has texts that are due.
	SendDue(ctx context.Context, tx pgx.Tx, line LineID) error
	// ReceiveReply matches a stored inbound message.
	ReceiveReply(ctx context.Context, tx pgx.Tx, id InboundID) error
}

// Words is how texts are made and read. Built-in types only, so that the room
// that speaks needs nothing of ours.
type Words interface {
	// Render fills the wording with facts and checks it: the text, its segments,
	// or why it may not be sent.
	Render(wording string, facts map[string]string) (text string, segments int, err error)
	// Read understands a reply: pairs of task code (or "") and digit, what looks like
	// a task code and is none, a mark ("stop", "start", "urgent", "unclear", "echo",
	// "automatic" or ""), and what else was said. Beside urgent and unclear a code may
	// stand with the digit "".
	Read(text string) (answers [][2]string, misspelt []string, mark, note string)
	// TaskCode turns a random number into a task code.
	TaskCode(n uint64) string
	// CheckAlias tells whether a household alias may stand in a text.
	CheckAlias(alias, fullName string) error

	// Shipped is the wordings that came with the program, as a JSON list.
	Shipped() []byte
	// Load adds versions that are or were in force, as such a list: Speak knows them,
	// and Read knows a quotation of them.
	Load(wordings []byte) error
	// Speak is Render for one version in one language, with what fills the carrier's template.
	Speak(language, wording string, version int, facts map[string]string) (text string, segments int, params map[string]string, err error)
	// CheckWording looks a new version over: the wording as it is to be kept, its
	// segments at its longest, and what is wrong as {field, English, Chinese}.
	CheckWording(wording []byte) (saved []byte, segments int, wrong [][3]string)
}

// Config is what a Log works with.
type Config struct {
	DB       *pgxpool.Pool      // signed in as the application or as the workers
	Keys     *crypt.Keyring     // master and index keys
	Queue    Queue              // what happens later
	Words    Words              // how we speak
	Carrier  string             // the carrier of offices that name none
	Calendar *calendar.Calendar // working days; nil: the official one
	Now      func() time.Time   // the clock; nil: the system's
	Random   io.Reader          // ids, codes, keys and secrets; nil: crypto/rand
	SignIn   SignInRules        // how people sign in
	// PlainHooks lets addresses inside the network subscribe to changes, over http too.
	PlainHooks bool
}

// Log is the care log. Safe for concurrent use.
type Log struct {
	db         *pgxpool.Pool
	keys       *crypt.Keyring
	queue      Queue
	words      Words
	carrier    string
	calendar   *calendar.Calendar // the base that imported days are laid over
	now        func() time.Time
	random     *source
	plainHooks bool

	passwords *passwords

	templates sync.Map                 // TemplateID: schedule.Template
	days      atomic.Pointer[workdays] // as the database had them last
	texts     atomic.Pointer[catalogue]
}

// New makes a care log on its parts.
func New(c Config) *Log {
	if c.Calendar == nil {
		c.Calendar = calendar.Official()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	l := &Log{db: c.DB, keys: c.Keys, queue: c.Queue, words: c.Words, carrier: c.Carrier, calendar: c.Calendar, now: c.Now, random: &source{Reader: c.Random}, plainHooks: c.PlainHooks}
	l.passwords = newPasswords(c.SignIn, l.random)
	l.days.Store(&workdays{national: c.Calendar}) // version 0: nothing was ever imported
	l.texts.Store(shippedTexts(c.Words))
	return l
}

// Now is the log's clock, to the microsecond that PostgreSQL keeps.
func (l *Log) Now() time.Time { return l.now().Truncate(time.Microsecond) }

// Ready tells whether the database answers.
func (l *Log) Ready(ctx context.Context) error { return l.db.Ping(ctx) }

// txn is a transaction with the one reading of the clock it works by, who does
// it, and what it will add to the histories and the audit just before it commits.
type txn struct {
	pgx.Tx
	now     time.Time
	by      Actor
	days    *workdays
	texts   *catalogue
	pending *pending
	memory  *memory
}

// memory is what a transaction need not look up again: a ledger names the same
// village, officer and contact in row after row. Only what was found is kept.
type memory struct {
	lines    map[spokenTo]LineID
	villages map[villageAt]VillageID
	officers map[officerAt]UserID
	serving  map[servedBy]bool
	topics   map[ContactID][]Flag
}

type (
	spokenTo struct {
		office  OfficeID
		country string
	}
	villageAt struct {
		office OfficeID
		VillageName
	}
	officerAt struct {
		office OfficeID
		login  string
	}
	servedBy struct {
		office  OfficeID
		contact ContactID
		village VillageID
	}
)

func newMemory() *memory {
	return &memory{map[spokenTo]LineID{}, map[villageAt]VillageID{}, map[officerAt]UserID{}, map[servedBy]bool{}, map[ContactID][]Flag{}}
}

// pending is added last, so that the chains' heads are held as briefly as can be
// and in one order: no two verbs wait for each other in a ring.
type pending struct {
	happenings []happening
	acts       []act
	laid       bool // check-ins were laid down or moved by the working days
}

func (tx txn) today() calendar.Date { return calendar.Of(tx.now) }

// begin opens a transaction in the actor's scope.
func (l *Log) begin(ctx context.Context, by Actor) (txn, error) {
	tx, err := l.db.Begin(ctx)
	if err != nil {
		return txn{}, fmt.Errorf("begin: %w", err)
	}
	t := txn{Tx: tx, now: l.Now(), by: by, pending: &pending{}, memory: newMemory()}
	if t.days, t.texts, err = l.enter(ctx, t); err != nil {
		tx.Rollback(context.WithoutCancel(ctx))
		return txn{}, err
	}
	return t, nil
}

// enter sets the actor's scope and reads the working days and the texts that the
// transaction goes by.
func (l *Log) enter(ctx context.Context, tx txn) (*workdays, *catalogue, error) {
	const versions = "version, (SELECT version FROM wordings_version) FROM calendar_version"
	var days, texts int64
	var err error
	if tx.by.Kind == System {
		err = tx.QueryRow(ctx, "SELECT "+versions).Scan(&days, &texts)
	} else {
		var offices, user string
		err = tx.QueryRow(ctx, "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true), "+versions,
			tx.by.scopeText(), tx.by.User.String()).Scan(&offices, &user, &days, &texts)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("set scope: %w", err)
	}
	current, err := l.currentDays(ctx, tx, days)
	if err != nil {
		return nil, nil, err
	}
	spoken, err := l.currentTexts(ctx, tx, texts)
	return current, spoken, err
}

// ringTries is how often a transaction that PostgreSQL ended to break a ring of
// waiting ones is begun again. The verbs lock in one order (plan, check-in,
// messages, asks, heads), so this is the rare case.
const ringTries = 3

// read runs do in a transaction of the actor's scope and returns what it found.
func read[T any](ctx context.Context, l *Log, by Actor, do func(tx txn) (T, error)) (T, error) {
	for try := 1; ; try++ {
		found, err := readOnce(ctx, l, by, do)
		if try == ringTries || !brokenRing(err) && !errors.Is(err, errDaysChanged) {
			return found, err
		}
	}
}

func readOnce[T any](ctx context.Context, l *Log, by Actor, do func(tx txn) (T, error)) (T, error) {
	var zero T
	tx, err := l.begin(ctx, by)
	if err != nil {
		return zero, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	found, err := do(tx)
	if err == nil {
		err = l.flush(ctx, tx)
	}
	if err != nil {
		return zero, refusal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return zero, fmt.Errorf("commit: %w", err)
	}
	return found, nil
}

// write runs do in a transaction and commits it. With a request key the answer
// is kept in the same transaction, and a repeat gets it without doing anything.
func write[T any](ctx context.Context, l *Log, by Actor, do func(tx txn) (T, error)) (T, error) {
	if by.RequestKey == "" {
		return read(ctx, l, by, do)
	}
	return read(ctx, l, by, func(tx txn) (T, error) {
		var zero T
		first, answered, err := firstAnswer[T](ctx, tx)
		if err != nil || answered {
			return first, err
		}
		answer, err := do(tx)
		if err != nil {
			return zero, err
		}
		return answer, keepAnswer(ctx, tx, answer)
	})
}

// firstAnswer claims the request key, or finds what it was answered before. A
// concurrent twin waits here until the first has committed.
func firstAnswer[T any](ctx context.Context, tx txn) (T, bool, error) {
	var answer T
	tag, err := tx.Exec(ctx, `INSERT INTO idempotency_keys (user_id, key, request_hash, created_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, tx.by.User, tx.by.RequestKey, tx.by.RequestHash, tx.now)
	if err != nil {
		return answer, false, fmt.Errorf("claim request key: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return answer, false, nil
	}
	var hash, sealed []byte
	err = tx.QueryRow(ctx, "SELECT request_hash, answer FROM idempotency_keys WHERE user_id = $1 AND key = $2",
		tx.by.User, tx.by.RequestKey).Scan(&hash, &sealed)
	if err != nil {
		return answer, false, fmt.Errorf("read first answer: %w", err)
	}
	if !bytes.Equal(hash, tx.by.RequestHash) {
		return answer, false, &Error{Kind: KeyReused, Message: "this Idempotency-Key was used for another request: use a new key"}
	}
	if answer, err = crypt.OpenJSON[T](tx.by.key, sealed, "idempotency_keys.answer/"+tx.by.RequestKey); err != nil {
		return answer, false, fmt.Errorf("open first answer: %w", err)
	}
	return answer, true, nil
}

func keepAnswer[T any](ctx context.Context, tx txn, answer T) error {
	plain, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("write down the answer: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE idempotency_keys SET answer = $3 WHERE user_id = $1 AND key = $2",
		tx.by.User, tx.by.RequestKey, tx.by.key.Seal(plain, "idempotency_keys.answer/"+tx.by.RequestKey))
	if err != nil {
		return fmt.Errorf("keep first answer: %w", err)
	}
	return nil
}

// answersKept is how long a request key gets its first answer again.
const answersKept = 30 * 24 * time.Hour

// ForgetAnswers forgets the first answers of requests that nobody repeats any
// more, at most limit, and tells how many. As many sessions that are long over, and
// addresses that failed to sign in long ago, go with them.
func (l *Log) ForgetAnswers(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		tag, err := tx.Exec(ctx, `DELETE FROM idempotency_keys WHERE (user_id, key) IN
			(SELECT user_id, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, tx.now.Add(-answersKept), limit)
		if err != nil {
			return 0, fmt.Errorf("forget first answers: %w", err)
		}
		if err := forgetSignIns(ctx, tx, limit); err != nil {
			return 0, err
		}
		return int(tag.RowsAffected()), nil
	})
}

// flush adds what is pending to the histories, then to the audit.
func (l *Log) flush(ctx context.Context, tx txn) error {
	if err := tx.sameDays(ctx); err != nil {
		return err
	}
	happenings, acts := tx.pending.happenings, tx.pending.acts
	*tx.pending = pending{}
	if err := l.addHistory(ctx, tx, happenings); err != nil {
		return err
	}
	return addActs(ctx, tx, acts)
}
