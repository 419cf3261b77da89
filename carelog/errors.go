package carelog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Kind sorts what can go wrong for the doors, which turn it into a status.
type Kind int

// The kinds of Error.
const (
	Invalid      Kind = iota + 1 // the request says something impossible; Fields names it
	NotFound                     // nothing of that id within the actor's scope
	Forbidden                    // it is there, and this actor may not
	Conflict                     // it cannot be done in the present state
	KeyReused                    // an Idempotency-Key came back with another request
	Unauthorized                 // nobody we know, or no longer
)

// Error is a refusal whose text is safe to show: no personal facts, nothing internal.
type Error struct {
	Kind    Kind
	Message string
	Fields  []FieldError
}

// FieldError names one field and what is wrong with it, in English (Reason) and
// in the language of the ledger's readers (Chinese).
type FieldError struct {
	Field   string
	Reason  string
	Chinese string
}

func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		b.WriteString(f.Field + " " + f.Reason)
	}
	return b.String()
}

// KindOf is the kind of a refusal, or 0 for an internal error.
func KindOf(err error) Kind {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Kind
	}
	return 0
}

// asRefusal is the refusal that an error is, or nil.
func asRefusal(err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}

func notFound(what string) error { return &Error{Kind: NotFound, Message: "no such " + what} }

func forbidden(why string) error { return &Error{Kind: Forbidden, Message: why} }

func conflict(format string, args ...any) error {
	return &Error{Kind: Conflict, Message: fmt.Sprintf(format, args...)}
}

// problems gathers every field error of a request, so that all are told at once.
type problems []FieldError

func (p *problems) add(field string, r reason) {
	*p = append(*p, FieldError{Field: field, Reason: r.english, Chinese: r.chinese})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "the request cannot be accepted", Fields: p}
}

func invalid(field string, r reason) error {
	var p problems
	p.add(field, r)
	return p.err()
}

// constraintSentences turns the name of a violated constraint into a refusal.
// Refusals of PostgreSQL are known by name, never by message text.
var constraintSentences = map[string]Error{
	"one_second_phone_a_contact":                    {Kind: Conflict, Message: "the contact has a second phone already: remove it first"},
	"user_login_is_unique":                          {Kind: Conflict, Message: "this login is taken: choose another"},
	"office_code_is_unique":                         {Kind: Conflict, Message: "an office with this code exists"},
	"recipient_external_id_is_unique":               {Kind: Conflict, Message: "a recipient with this external_id is enrolled already"},
	"one_award_a_person_and_case":                   {Kind: Conflict, Message: "this person was given an award in this case already: look for the file"},
	"one_agreement_an_award":                        {Kind: Conflict, Message: "the award has an agreement of three already: change its instalments"},
	"who_releases_is_not_who_drew_up":               {Kind: Forbidden, Message: "whoever drew the agreement up releases nothing of it"},
	"one_open_merge":                                {Kind: Conflict, Message: "a merge of what goes waits for a decision already"},
	"who_merges_is_not_who_proposed":                {Kind: Forbidden, Message: "whoever proposed the merge may not approve it"},
	"template_version_is_unique":                    {Kind: Conflict, Message: "somebody else has just saved a version of this template: look at it first"},
	"one_open_plan_a_recipient":                     {Kind: Conflict, Message: "the recipient has an open plan already"},
	"check_in_window_is_ordered":                    {Kind: Invalid, Message: "the date lies outside the check-in's window"},
	"barred_plan_names_no_village_contact":          {Kind: Conflict, Message: "no village contact may be named: the household is barred from the village"},
	"department_name_is_unique":                     {Kind: Conflict, Message: "the office has a department of this name"},
	"one_leading_department_an_office":              {Kind: Conflict, Message: "another department leads: end it, or add this one as another kind"},
	"clue_number_is_unique":                         {Kind: Conflict, Message: "a clue with this number is recorded already"},
	"case_number_is_unique":                         {Kind: Conflict, Message: "a case with this number is open already"},
	"partner_name_is_unique":                        {Kind: Conflict, Message: "a partner of this name is in the directory"},
	"one_open_referral_a_measure_and_partner":       {Kind: Conflict, Message: "this measure is asked of this partner already: go on with that referral"},
	"one_opening_asked_a_person":                    {Kind: Conflict, Message: "you have asked for leave already: a supervisor decides"},
	"nobody_opens_for_themselves":                   {Kind: Forbidden, Message: "whoever asks for leave may not give it: another supervisor does, of the superior office where there is no other"},
	"duties_are_of_separate_people":                 {Kind: Conflict, Message: "who looks after households, who administers the system, its security or its audit, and programs are separate: this person has another duty"},
	"who_closes_is_not_who_proposed":                {Kind: Forbidden, Message: "whoever proposed the closing may not approve it"},
	"a_file_is_erased_by_a_second_supervisor":       {Kind: Conflict, Message: "the file cannot be erased now: its plans are closed, no hold keeps it, nothing is on the wire, and a supervisor who did not propose it does it"},
	"one_open_transfer_a_plan":                      {Kind: Conflict, Message: "a transfer of this plan waits for an answer already"},
	"only_an_offered_file_is_taken_over":            {Kind: Forbidden, Message: "nothing was offered to this office, or it has been answered already"},
	"officer_of_a_plan_is_there":                    {Kind: Conflict, Message: "the officer has just left: choose another"},
	"a_file_goes_to_people_of_the_receiving_office": {Kind: Forbidden, Message: "officer, village and contacts have to be of the receiving office"},
}

// refusal turns what the database refused into an Error where it has a
// sentence, and leaves the rest alone.
func refusal(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	if known, ok := constraintSentences[pg.ConstraintName]; ok {
		return &known
	}
	return err
}

func none(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// brokenRing tells whether PostgreSQL ended the transaction because of others,
// so that beginning it again is right (deadlock_detected, serialization_failure).
func brokenRing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}
