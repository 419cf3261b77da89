package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// Outgoing is a message on its way to the carrier: committed as sending.
type Outgoing struct {
	ID       MessageID
	To, From string // E.164; From is the line's number, empty for the carrier's default
	Text     string
	Carrier  string // of the line
	Try      int
	ValidFor time.Duration // how long the carrier may go on trying
	SendBy   time.Time     // the last moment to hand it over: later somebody else may have been asked to

	// For a carrier that takes approved templates only.
	Template, Signature string
	Params              map[string]string
}

// sendWithin is how long after its claim a text may be handed to the carrier. It
// lies well before SettlingTime, so that a process that froze in the middle of a
// batch does not send what another has meanwhile asked the carrier about.
const sendWithin = time.Minute

// DueLines names the lines that have texts due now, of these carriers or, without
// any, of all. The sweep wakes their drains.
func (l *Log) DueLines(ctx context.Context, carriers ...string) ([]LineID, error) {
	return read(ctx, l, TheSystem(), func(tx txn) ([]LineID, error) {
		rows, err := tx.Query(ctx, `SELECT id FROM lines n WHERE (cardinality($2::text[]) = 0 OR carrier = ANY ($2)) AND EXISTS
			(SELECT FROM messages m WHERE m.line_id = n.id AND m.dispatch = 'planned' AND m.priority = ANY ($3) AND m.not_before <= $1)`,
			tx.now, append([]string{}, carriers...), priorities)
		if err != nil {
			return nil, fmt.Errorf("find due lines: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowTo[LineID])
	})
}

// Claimed is what one claim did with the messages it looked at.
type Claimed struct {
	Send                         []Outgoing
	Deferred, Cancelled, Expired int
	Refused                      int // by our own check of the text
}

// Looked is how many messages the claim looked at; 0 when nothing is due.
func (c Claimed) Looked() int {
	return len(c.Send) + c.Deferred + c.Cancelled + c.Expired + c.Refused
}

// Carrier is the one that all of a claim's texts go to: a claim is of one line.
func (c Claimed) Carrier() string {
	if len(c.Send) == 0 {
		return ""
	}
	return c.Send[0].Carrier
}

// ClaimMessages takes the due messages of a line, most urgent first, at most
// limit, looks again at each (still wanted? who? opted out? the hour? the
// budget? is the text safe?) and commits those to be sent as sending. The others
// are deferred, cancelled or expired, each with its reason. It takes no more than
// the line's pace lets out now: what is left is due, and waits for the next wake.
func (l *Log) ClaimMessages(ctx context.Context, line LineID, limit int) (Claimed, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (Claimed, error) {
		// One claim a line at a time: two side by side would both find a number's budget unspent.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))", line.String()); err != nil {
			return Claimed{}, fmt.Errorf("claim the line: %w", err)
		}
		may, err := lease(ctx, tx, line, limit)
		if err != nil || may == 0 {
			return Claimed{}, err
		}
		rows, err := tx.Query(ctx, selectClaims, line, tx.now, may, tx.today().At(0, 0), tx.today().AddDays(-6).At(0, 0), priorities, tx.today())
		if err != nil {
			return Claimed{}, fmt.Errorf("claim messages: %w", err)
		}
		claims, err := pgx.CollectRows(rows, scanClaim)
		if err != nil {
			return Claimed{}, fmt.Errorf("claim messages: %w", err)
		}
		done, err := l.settleClaims(ctx, tx, claims)
		if err != nil {
			return done, err
		}
		return done, spend(ctx, tx, line, len(done.Send))
	})
}

// selectClaims looks at each priority by itself: what is due lies at the head of
// its part of the index, and what is planned for later is never walked over. As an
// array the planner takes them for few and walks the keys of what it joins.
var selectClaims = `WITH due AS MATERIALIZED (
		SELECT d.id FROM unnest($6::smallint[]) AS p (priority), LATERAL (
			SELECT id FROM messages WHERE line_id = $1 AND dispatch = 'planned' AND priority = p.priority AND not_before <= $2
			ORDER BY not_before LIMIT $3) d)
	SELECT m.id, m.office_id, o.signature, m.recipient_id, m.check_in_id, m.contact_id, m.user_id, m.line_id, n.number, n.carrier,
		m.purpose, m.wording, m.priority, m.not_before, m.deadline, m.tries,
		coalesce(a.id, b.ask_id), coalesce(a.code, ''), coalesce(a.state, ''), coalesce(c.state, ''), c.due, CASE WHEN c.state IN ('overdue', 'missed') THEN coalesce(c.first_due, c.due) ELSE c.due END, coalesce(c.kind, ''),
		coalesce(p.state, ''), coalesce(coalesce(k.phone_of, k.id) IN (p.primary_contact_id, p.backup_contact_id), false), coalesce(p.village_barred, false), coalesce(t.key, ''),
		coalesce(k.data_key, u.data_key), coalesce(k.sealed, u.sealed),
		coalesce(k.state = 'active' AND pn.opted_out_at IS NULL AND pn.unreachable_at IS NULL, u.state = 'active', false),
		pn.opted_out_at IS NOT NULL, coalesce(pn.state, ''), coalesce(cardinality(k.barred_topics) > 0, false), ` + conflicted("coalesce(k.phone_of, k.id)", "m.recipient_id") + `,
		r.data_key, r.sealed, coalesce(v.township, ''), f.id, f.data_key, f.sealed, coalesce(al.act_by, c.act_by), m.inbound_id,
		budget.today, budget.week, budget.answers, k.phone_index,
		m.check_in_id IS NOT NULL AND EXISTS (SELECT FROM messages s WHERE s.check_in_id = m.check_in_id AND s.id <> m.id AND s.wording = m.wording
			AND (s.contact_id = m.contact_id OR s.user_id = m.user_id) AND s.claimed_at >= $4 AND s.dispatch IN ('sending', 'accepted', 'unknown')
			AND s.delivery NOT IN ('undelivered', 'failed')),
		al.id, a.review_of, a.review_of IS NOT NULL AND NOT ` + reviewWaits + `, staff.texts, staff.a_day, staff.away,
		o.texting, o.requests_a_day, o.requests_a_week, cap.left, cap.wait, o.language, o.together,
		coalesce(k.phone_of, k.id), coalesce(k.data_key, u.data_key) IS NULL OR r.id IS NOT NULL AND r.data_key IS NULL
	FROM messages m
	JOIN offices o ON o.id = m.office_id
	JOIN lines n ON n.id = m.line_id
	LEFT JOIN message_asks b ON b.message_id = m.id AND m.purpose <> 'staff_digest'
	LEFT JOIN asks a ON a.id = b.ask_id
	LEFT JOIN alerts al ON al.id = a.alert_id
	LEFT JOIN check_ins c ON c.id = m.check_in_id
	LEFT JOIN care_plans p ON p.id = coalesce(c.plan_id, al.plan_id, a.review_of)
	LEFT JOIN plan_templates t ON t.id = p.template_id
	LEFT JOIN users f ON f.id = p.officer_id
	LEFT JOIN village_contacts k ON k.id = m.contact_id
	LEFT JOIN numbers pn ON pn.phone_index = k.phone_index
	LEFT JOIN users u ON u.id = m.user_id
	LEFT JOIN recipients r ON r.id = m.recipient_id
	LEFT JOIN villages v ON v.id = r.village_id
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE s.purpose <> 'answer' AND s.claimed_at >= $4) AS today,
			count(*) FILTER (WHERE s.purpose <> 'answer') AS week,
			count(*) FILTER (WHERE s.purpose = 'answer' AND s.claimed_at >= $4) AS answers
		FROM messages s WHERE s.contact_id IN (SELECT id FROM village_contacts WHERE phone_index = k.phone_index)
			AND s.claimed_at >= $5 AND s.rides_with IS NULL AND s.dispatch IN ('sending', 'accepted', 'unknown')) budget
	CROSS JOIN LATERAL (
		SELECT (SELECT count(*) FROM messages s WHERE s.user_id = m.user_id AND s.claimed_at >= $4 AND s.priority <> 1
				AND s.purpose NOT IN ('staff_digest', 'weekly_digest', 'test') AND s.dispatch IN ('sending', 'accepted', 'unknown')) AS texts,
			coalesce(u.texts_a_day, (SELECT texts_a_day FROM offices WHERE id = u.office_id), 0) AS a_day,
			m.user_id IS NOT NULL AND (u.state <> 'active' OR EXISTS (SELECT FROM absences ab
				WHERE ab.user_id = m.user_id AND ab.ended_at IS NULL AND $7 BETWEEN ab.from_on AND ab.until_on)) AS away) staff
	CROSS JOIN LATERAL (
		SELECT min(c.most - used.n) AS left, coalesce(max(extract(epoch FROM c.within)) FILTER (WHERE used.n >= c.most), 0)::float8 AS wait
		FROM carrier_caps c, LATERAL (SELECT count(*)::int AS n FROM messages s
			WHERE (s.user_id = m.user_id OR s.contact_id IN (SELECT id FROM village_contacts WHERE phone_index = k.phone_index))
				AND s.claimed_at > $2 - c.within AND s.rides_with IS NULL AND s.dispatch IN ('sending', 'accepted', 'unknown')) used
		WHERE c.carrier = n.carrier) cap
	WHERE m.id = ANY (ARRAY(SELECT id FROM due)) AND m.dispatch = 'planned' AND m.not_before <= $2
	ORDER BY m.priority, m.not_before, m.id LIMIT $3
	FOR UPDATE OF m SKIP LOCKED`

// claim is a message with all that decides about it.
type claim struct {
	id                           MessageID
	office                       OfficeID
	signature                    string
	recipient                    RecipientID
	checkIn                      CheckInID
	contact                      ContactID
	person                       ContactID // whose phone the contact is
	user                         UserID
	line                         LineID
	number, carrier              string
	purpose, wording             string
	priority                     int
	notBefore, deadline          time.Time
	tries                        int
	ask                          AskID
	code, askState, checkInState string
	due                          calendar.Date
	lateSince                    calendar.Date // what it is overdue from: a late one that was moved is late from its first date
	kind                         schedule.Kind
	planState                    string
	named, barred                bool
	template                     string
	partyKey, partySealed        []byte
	reachable, optedOut          bool
	numberState                  string // of the contact's number
	hasTopics                    bool   // some households are barred for the contact by what they are about
	conflicted                   bool   // the contact is never asked about the household
	recipientKey, recipientBox   []byte
	township                     string
	officer                      UserID
	officerKey, officerSealed    []byte
	actBy                        *time.Time
	inbound                      InboundID
	today, week, answers         int // texts to the number: a phone that people share has one budget
	phone                        []byte
	saidToday                    bool // the same about the same check-in, to the same party
	alert                        AlertID
	review                       PlanID // the plan whose review it is about
	reviewed                     bool   // and somebody took it up
	staffTexts, staffADay        int    // texts to one of ours today, and how many they get before the rest is a digest
	away                         bool
	texting                      string
	perDay, perWeek              int     // requests to a number
	capLeft                      *int    // what the carrier still lets through to the number; nil: as much as we like
	capWait                      float64 // seconds until it lets more through
	bundled                      bool    // the office has its requests to one contact in one text
	joins                        bool    // it goes out in a text that is going out anyway
	together                     int     // the requests of one number go out in one text
	standIn                      UserID  // who acts for them, where they are away
	standInWhy                   string
	language                     string // of the office
	erased                       bool   // the key of whom it goes to, or of whom it is about, is destroyed
}

func scanClaim(row pgx.CollectableRow) (c claim, err error) {
	err = row.Scan(&c.id, &c.office, &c.signature, &c.recipient, &c.checkIn, &c.contact, &c.user, &c.line, &c.number, &c.carrier,
		&c.purpose, &c.wording, &c.priority, &c.notBefore, &c.deadline, &c.tries,
		&c.ask, &c.code, &c.askState, &c.checkInState, &c.due, &c.lateSince, &c.kind, &c.planState, &c.named, &c.barred, &c.template,
		&c.partyKey, &c.partySealed, &c.reachable, &c.optedOut, &c.numberState, &c.hasTopics, &c.conflicted, &c.recipientKey, &c.recipientBox, &c.township,
		&c.officer, &c.officerKey, &c.officerSealed, &c.actBy, &c.inbound, &c.today, &c.week, &c.answers, &c.phone, &c.saidToday,
		&c.alert, &c.review, &c.reviewed, &c.staffTexts, &c.staffADay, &c.away, &c.texting, &c.perDay, &c.perWeek, &c.capLeft, &c.capWait, &c.language, &c.bundled, &c.person, &c.erased)
	return c, err
}

// judged is a claim that does not go out now, and why.
type judged struct {
	claim
	verdict
}

// settleClaims decides each claim and writes the decisions down, those that go
// out in a few statements for all of them.
func (l *Log) settleClaims(ctx context.Context, tx txn, claims []claim) (Claimed, error) {
	var done Claimed
	claims, moved, err := l.reroute(ctx, tx, claims)
	if err != nil {
		return done, err
	}
	done.Deferred += moved
	if err := l.findStandIns(ctx, tx, claims); err != nil {
		return done, err
	}
	wanted, others, batch := judgeAll(tx, claims)
	if err := l.giveCodes(ctx, tx, wanted); err != nil {
		return done, err
	}
	var rows sendingRows
	out, held, err := l.composeAll(ctx, tx, wanted, batch, &rows)
	if err != nil {
		return done, err
	}
	done.Send, others = out, append(others, held...)
	if err := rows.update(ctx, tx); err != nil {
		return done, err
	}
	if err := markAsked(ctx, tx, wanted, out); err != nil {
		return done, err
	}
	for _, o := range others {
		dispatch, err := l.dismiss(ctx, tx, o.claim, o.verdict)
		if err != nil {
			return done, err
		}
		done.count(dispatch)
	}
	return done, nil
}

func (c *Claimed) count(dispatch string) {
	switch dispatch {
	case "planned":
		c.Deferred++
	case "cancelled":
		c.Cancelled++
	case "expired":
		c.Expired++
	default:
		c.Refused++
	}
}
