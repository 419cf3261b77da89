package carelog

import (
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// ID is a UUID that knows what it names, so that a plan's id is never passed
// for a recipient's. Its text form is the usual 36 characters.
type ID[Of any] [16]byte

type (
	officeKind       struct{}
	villageKind      struct{}
	lineKind         struct{}
	userKind         struct{}
	tokenKind        struct{}
	contactKind      struct{}
	recipientKind    struct{}
	planKind         struct{}
	templateKind     struct{}
	checkInKind      struct{}
	recordKind       struct{}
	eventKind        struct{}
	askKind          struct{}
	alertKind        struct{}
	messageKind      struct{}
	inboundKind      struct{}
	taskKind         struct{}
	noticeKind       struct{}
	closureKind      struct{}
	partnerKind      struct{}
	referralKind     struct{}
	transferKind     struct{}
	householdKind    struct{}
	openingKind      struct{}
	departmentKind   struct{}
	clueKind         struct{}
	caseKind         struct{}
	subscriptionKind struct{}
	meetingKind      struct{}
	instalmentKind   struct{}
	fundUseKind      struct{}
	mergeKind        struct{}
	plainKind        struct{}
)

type (
	// OfficeID names an office of the tree.
	OfficeID = ID[officeKind]
	// VillageID names a village of an office.
	VillageID = ID[villageKind]
	// LineID names a receiving number at a carrier.
	LineID = ID[lineKind]
	// UserID names a person who signs in.
	UserID = ID[userKind]
	// TokenID names an access token.
	TokenID = ID[tokenKind]
	// ContactID names a village contact.
	ContactID = ID[contactKind]
	// RecipientID names an aid recipient and their file.
	RecipientID = ID[recipientKind]
	// PlanID names a care plan.
	PlanID = ID[planKind]
	// TemplateID names a version of a plan template.
	TemplateID = ID[templateKind]
	// CheckInID names a check-in.
	CheckInID = ID[checkInKind]
	// RecordID names one try at a check-in.
	RecordID = ID[recordKind]
	// EventID names a reported event.
	EventID = ID[eventKind]
	// AskID names a request to one party.
	AskID = ID[askKind]
	// AlertID names an alert.
	AlertID = ID[alertKind]
	// MessageID names an outbound message; the carrier brings it back.
	MessageID = ID[messageKind]
	// InboundID names a stored inbound message.
	InboundID = ID[inboundKind]
	// TaskID names work for a person.
	TaskID = ID[taskKind]
	// NoticeID names an imported notice of a year's working days.
	NoticeID = ID[noticeKind]
	// ClosureID names days that an office closes or works beside the nation's.
	ClosureID = ID[closureKind]
	// PartnerID names a body that helps.
	PartnerID = ID[partnerKind]
	// ReferralID names a household's referral to a partner.
	ReferralID = ID[referralKind]
	// TransferID names an act of handing plans over.
	TransferID = ID[transferKind]
	// HouseholdID names what joins recipients who live together.
	HouseholdID = ID[householdKind]
	// OpeningID names somebody's leave to see a minor's file in full.
	OpeningID = ID[openingKind]
	// DepartmentID names a part of an office.
	DepartmentID = ID[departmentKind]
	// ClueID names where a case begins.
	ClueID = ID[clueKind]
	// CaseID names an aid case file.
	CaseID = ID[caseKind]
	// SubscriptionID names an address that is told of changes.
	SubscriptionID = ID[subscriptionKind]
	// MeetingID names a joint meeting.
	MeetingID = ID[meetingKind]

	// InstalmentID names a part of an award that is released later.
	InstalmentID = ID[instalmentKind]
	// FundUseID names an entry of the use-of-money ledger.
	FundUseID = ID[fundUseKind]
	// MergeID names a proposal to make one of two.
	MergeID = ID[mergeKind]

	anyID = ID[plainKind]
)

var errNotAnID = errors.New("is not an id: 36 characters such as 0190a1b2-0000-7000-8000-000000000000 are expected")

// ParseID reads the 36-character form.
func ParseID[Of any](s string) (ID[Of], error) {
	var id ID[Of]
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, errNotAnID
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID[Of]{}, errNotAnID
	}
	return id, nil
}

// IsZero tells whether the id names nothing.
func (id ID[Of]) IsZero() bool { return id == ID[Of]{} }

// String is the 36-character form, empty for the zero id.
func (id ID[Of]) String() string {
	if id.IsZero() {
		return ""
	}
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// MarshalText writes String.
func (id ID[Of]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the 36-character form; empty text is the zero id.
func (id *ID[Of]) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*id = ID[Of]{}
		return nil
	}
	*id, err = ParseID[Of](string(text))
	return err
}

// UUIDValue lets pgx write the id; the zero id is NULL.
func (id ID[Of]) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: id, Valid: !id.IsZero()}, nil
}

// ScanUUID lets pgx read the id; NULL is the zero id.
func (id *ID[Of]) ScanUUID(v pgtype.UUID) error {
	*id = v.Bytes
	if !v.Valid {
		*id = ID[Of]{}
	}
	return nil
}

// source is where ids, codes, keys and secrets come from. The ids of one source
// rise even within a millisecond, so that lists by id are lists in order.
type source struct {
	io.Reader

	mu    sync.Mutex
	last  uint64 // milliseconds
	count uint64 // ids made in them
}

// perMillisecond is how many ids fit into a millisecond: twelve bits.
const perMillisecond = 1 << 12

// tick is the millisecond and the place in it for an id made at a time.
func (s *source) tick(now time.Time) (ms, count uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms = uint64(now.UnixMilli())
	switch {
	case ms != s.last && s.last-ms > perMillisecond: // another time, not one borrowed by a full millisecond
		s.last, s.count = ms, 0
	case s.count == perMillisecond-1:
		s.last, s.count = s.last+1, 0
	default:
		s.count++
	}
	return s.last, s.count
}

// newID makes a UUID of version 7: ordered by time, then by count, the rest random.
func newID[Of any](now time.Time, from *source) ID[Of] {
	var id ID[Of]
	if _, err := io.ReadFull(from, id[8:]); err != nil {
		panic("no randomness for an id: " + err.Error())
	}
	ms, count := from.tick(now)
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = 0x70 | byte(count>>8)
	id[7] = byte(count)
	id[8] = 0x80 | id[8]&0x3f
	return id
}
