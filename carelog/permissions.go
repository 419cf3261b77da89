package carelog

import (
	"context"
	"fmt"
	"slices"
)

// Act is something an actor does that the permission table rules on.
type Act string

// The acts. A verb asks for one; an operation and a page name those they lead to.
const (
	ReadFile          Act = "read_file"
	UnmaskFile        Act = "unmask_file"
	GiveLeave         Act = "give_leave"
	ConfirmVisit      Act = "confirm_visit"
	DoubtVisit        Act = "look_into_doubt"
	ListWork          Act = "list_work"
	CountPlans        Act = "count_plans"
	ExportLedgerAct   Act = "export_ledger"
	KeepSubscriptions Act = "keep_subscriptions"
	KeepMeetings      Act = "keep_meetings"
	SeeCases          Act = "see_cases"
	KeepCases         Act = "keep_cases"
	PayFirst          Act = "pay_first"
	KeepDepartments   Act = "keep_departments"
	KeepRules         Act = "keep_rules"
	KeepGrounds       Act = "keep_grounds"
	NameDuty          Act = "name_legal_duty"
	CorrectWho        Act = "correct_identity"
	HandOwnFile       Act = "hand_over_own_file"
	RestrictAct       Act = "restrict_file"
	HoldAct           Act = "hold_file"
	AskErasure        Act = "propose_erasure"
	EraseAct          Act = "erase_file"
	SetRetention      Act = "set_retention"
	SeeRetention      Act = "see_retention_runs"
	Enrol             Act = "enrol"
	RecordCare        Act = "record_care"
	ReportEvent       Act = "report_event"

	ManagePlan     Act = "manage_plan"
	OverruleEvent  Act = "withdraw_event_of_others"
	MoveLate       Act = "move_what_is_late"
	RestOverRed    Act = "rest_over_red"
	LiftBar        Act = "lift_bar"
	EndConflict    Act = "end_conflict"
	HandOver       Act = "hand_over_any"
	HandOverOwn    Act = "hand_over_own"
	AnswerOffer    Act = "answer_offer"
	AnswerForOther Act = "answer_offer_for_another"
	MovePlansAct   Act = "move_plans"
	SharePlanAct   Act = "share_plan"

	ProposeClosing    Act = "propose_closing"
	ApproveClosing    Act = "approve_closing"
	DecideRefusal     Act = "decide_refusal"
	ProposeTier       Act = "propose_tier"
	LowerTier         Act = "lower_tier"
	LooserTemplate    Act = "choose_looser_template"
	ProposeMergeAct   Act = "propose_merge"
	DecideMerge       Act = "decide_merge"
	KeepFunds         Act = "keep_funds"
	ReleaseFunds      Act = "release_funds"
	CorrectOwn        Act = "correct_own_record"
	CorrectAny        Act = "correct_any_record"
	SignOffVisit      Act = "sign_off_visit"
	ActOnAddressed    Act = "answer_own_alert"
	ActOnAnyAlert     Act = "answer_any_alert"
	SettleTask        Act = "settle_task"
	SettleWithoutDeed Act = "settle_without_deed"
	ScoreBlindAct     Act = "score_blind"
	SettleReplyAct    Act = "settle_reply"
	Refer             Act = "refer"
	ListContacts      Act = "list_contacts"
	AddContactAct     Act = "add_contact"
	VouchForNumber    Act = "vouch_for_number"
	ChangeContact     Act = "change_contact"
	ReplaceNumber     Act = "change_phone"
	ListPartners      Act = "list_partners"
	AddPartnerAct     Act = "add_partner"
	ReadReference     Act = "read_reference"
	SeeRoster         Act = "see_roster"
	OwnLeave          Act = "own_leave"
	KeepRoster        Act = "keep_roster"
	KeepDuty          Act = "keep_duty"
	SeeTexting        Act = "see_texting"
	SwitchTexting     Act = "switch_texting"
	SetTextingAct     Act = "set_texting"
	SeeWordings       Act = "see_wordings"
	KeepWordings      Act = "keep_wordings"
	KeepTemplates     Act = "keep_templates"
	KeepHolidays      Act = "keep_holidays"
	CloseOfficeAct    Act = "close_office"
	TestOwnPhone      Act = "test_own_phone"
	AddUserAct        Act = "add_user"
	OwnTextBudget     Act = "own_text_budget"
	SetTextBudget     Act = "set_text_budget"
	GrantRoles        Act = "grant_roles"
	OwnTokens         Act = "own_tokens"
	IssueOwnToken     Act = "issue_own_token"
	KeepTokens        Act = "keep_tokens"
	KeepAccounts      Act = "keep_accounts"
	OwnAccount        Act = "own_account"
	ReadAudit         Act = "read_audit"
	KnowOneself       Act = "know_oneself"
)

// Scope is a part of the table that a token is let into. A person's token
// without scopes is let into all that the person may; a program's has to name them.
type Scope string

// What a row names where a scope makes no difference.
const (
	AnyToken Scope = ""   // every token, whatever its scopes
	NoToken  Scope = "no" // no token at all: a person at the console
)

// Permission is a row of the table: who may do the act, and with which scope a
// token may. Where they may is the same for all rows: in the office of their
// grant, and, but for officers, in those below it.
type Permission struct {
	Act   Act
	Scope Scope
	Roles []Role
	Note  string
	Top   bool // in the top office: what is done there holds for all
}

// caring are those who look after households, and may therefore open files.
var caring = []Role{Officer, Supervisor}

// Permissions is who may what. Nothing else says so: the verbs ask May, the API
// and the console show what leads to each act, docs/permissions.md prints it.
var Permissions = []Permission{
	{ReadFile, "read:files", with(caring, Integration), "one file; officers and supervisors of an office that a plan was shared with read that plan's file too", false},
	{UnmaskFile, "read:full", caring, "name, numbers and address, with a purpose and a reason; a minor's after leave", false},
	{GiveLeave, "decide", []Role{Supervisor}, "to see a minor's file in full; never whoever asked", false},
	{ConfirmVisit, "decide", []Role{Supervisor}, "have the village confirm a visit; never whoever recorded or made it", false},
	{DoubtVisit, "decide", []Role{Supervisor}, "look into a doubt about a visit; never whoever recorded or made it", false},
	{ListWork, "read:work", with(caring, Integration), "plans, check-ins, tasks, alerts, messages, replies, referrals, offers of the office", false},
	{CountPlans, "read:statistics", with(caring, Integration), "numbers only", false},
	{ExportLedgerAct, "read:full", []Role{Supervisor}, "in full, with a purpose and a reason in every file; children stay masked", false},
	{KeepSubscriptions, "write:settings", []Role{SystemAdministrator}, "addresses that are told of changes", false},
	{KeepMeetings, "write:cases", caring, "joint meetings: pack, minutes, decisions", false},
	{SeeCases, "read:cases", with(caring, Integration), "clues and case files: each read of one is audited", false},
	{KeepCases, "write:cases", caring, "clues, conditions, steps, documents", false},
	{PayFirst, "decide", []Role{Supervisor}, "before the approval, with the reason", false},
	{KeepDepartments, "write:settings", []Role{Supervisor, SystemAdministrator}, "", false},
	{KeepRules, "write:settings", []Role{SystemAdministrator}, "references to rules", true},
	{KeepGrounds, "write:care", caring, "notices, consents, what was told on paper", false},
	{NameDuty, "decide", []Role{Supervisor}, "in place of a consent", false},
	{CorrectWho, "write:care", caring, "what stood before is kept", false},
	{HandOwnFile, "read:full", []Role{Supervisor}, "to the person, or who speaks for them", false},
	{RestrictAct, "decide", []Role{Supervisor}, "freeze, lift, open a frozen one for an hour", false},
	{HoldAct, "decide", []Role{Supervisor}, "place and lift a legal hold", false},
	{AskErasure, "write:care", caring, "once the time has run", false},
	{EraseAct, "decide", []Role{Supervisor}, "or keep it; never whoever proposed it", false},
	{SetRetention, "write:settings", []Role{Supervisor, SystemAdministrator}, "put in force by somebody who did not propose it", true},
	{SeeRetention, "read:settings", []Role{Supervisor, SystemAdministrator, AuditAdministrator}, "counts by kind and night", false},
	{Enrol, "write:enrolments", []Role{Officer, Integration}, "one recipient or a ledger", false},
	{RecordCare, "write:care", []Role{Officer}, "visits, calls, contacts, addresses", false},
	{ReportEvent, "write:events", with(caring, Integration), "their own withdrawn again by whoever reported it", false},
	{ManagePlan, "write:care", caring, "start, rest, dates, contacts, templates, household", false},
	{OverruleEvent, "decide", []Role{Supervisor}, "never their own where a red alert rests on it", false},
	{MoveLate, "decide", []Role{Supervisor}, "a check-in that is overdue", false},
	{RestOverRed, "decide", []Role{Supervisor}, "something is overdue or a red alert is open", false},
	{LiftBar, "decide", []Role{Supervisor}, "the village may be asked again", false},
	{EndConflict, "decide", []Role{Supervisor}, "", false},
	{HandOver, "decide", []Role{Supervisor}, "anybody's plans", false},
	{HandOverOwn, "write:care", []Role{Officer}, "the plans they answer for", false},
	{AnswerOffer, "write:care", caring, "of the receiving office, never whoever proposed it", false},
	{AnswerForOther, "decide", []Role{Supervisor}, "never whoever proposed it", false},
	{MovePlansAct, "decide", []Role{Supervisor}, "many plans to another version of their template", false},
	{SharePlanAct, "decide", []Role{Supervisor}, "joint aid: one plan's file for another office to read", false},
	{ProposeClosing, "write:care", caring, "", false},
	{ApproveClosing, "decide", []Role{Supervisor}, "never whoever proposed it", false},
	{DecideRefusal, "decide", []Role{Supervisor}, "", false},
	{ProposeTier, "write:care", caring, "propose a lower one, raise one at once", false},
	{LowerTier, "decide", []Role{Supervisor}, "never whoever proposed it", false},
	{LooserTemplate, "decide", []Role{Supervisor}, "never whoever answers for the plan", false},
	{ProposeMergeAct, "write:care", caring, "two files of one person, or two entries of one contact", false},
	{DecideMerge, "decide", []Role{Supervisor}, "never whoever proposed it; settle what another office has of the same person", false},
	{KeepFunds, "write:care", caring, "the agreement of three, instalments, what the money was used for", false},
	{ReleaseFunds, "decide", []Role{Supervisor}, "an instalment; never whoever drew the agreement up or made the visit", false},
	{CorrectOwn, "write:care", []Role{Officer}, "what they recorded", false},
	{CorrectAny, "decide", []Role{Supervisor}, "", false},
	{SignOffVisit, "decide", []Role{Supervisor}, "never whoever recorded or made the visit", false},
	{ActOnAddressed, "write:care", []Role{Officer}, "an alert that was addressed to them", false},
	{ActOnAnyAlert, "decide", []Role{Supervisor}, "put off again, end a red one", false},
	{SettleTask, "write:care", caring, "", false},
	{SettleWithoutDeed, "decide", []Role{Supervisor}, "a task about a red alert that nobody has acted on since", false},
	{ScoreBlindAct, "write:care", caring, "whoever was asked to", false},
	{SettleReplyAct, "write:care", caring, "", false},
	{Refer, "write:care", caring, "every step of a referral", false},
	{ListContacts, "read:contacts", with(caring, SystemAdministrator, Integration), "", false},
	{AddContactAct, "write:contacts", []Role{Officer, SystemAdministrator, Integration}, "", false},
	{VouchForNumber, "write:care", caring, "say that a number is verified, that it may be texted again", false},
	{ChangeContact, "write:care", caring, "replace, flag, bar topics", false},
	{ReplaceNumber, "write:contacts", with(caring, SystemAdministrator), "the number is confirmed anew", false},
	{ListPartners, "read:partners", with(caring, SystemAdministrator, Integration), "", false},
	{AddPartnerAct, "write:partners", with(caring, SystemAdministrator), "", false},
	{ReadReference, AnyToken, everyRole, "templates and working days", false},
	{SeeRoster, "read:roster", with(caring, SystemAdministrator), "leave and duty", false},
	{OwnLeave, "write:roster", caring, "", false},
	{KeepRoster, "write:roster", []Role{Supervisor, SystemAdministrator}, "the leave of others", false},
	{KeepDuty, "write:roster", []Role{Supervisor, SystemAdministrator}, "", false},
	{SeeTexting, "read:settings", []Role{Supervisor, SystemAdministrator}, "budgets, lines, routes", false},
	{SwitchTexting, "write:settings", []Role{Supervisor, SystemAdministrator}, "off, and on again outside a pilot", false},
	{SetTextingAct, "write:settings", []Role{SystemAdministrator}, "budgets, pilots, pace, routes", false},
	{SeeWordings, "read:settings", []Role{Supervisor, SystemAdministrator}, "", false},
	{KeepWordings, "write:settings", []Role{SystemAdministrator}, "put in force by somebody who did not save it", true},
	{KeepTemplates, "write:settings", []Role{SystemAdministrator}, "", true},
	{KeepHolidays, "write:settings", []Role{SystemAdministrator}, "in every top office", true},
	{CloseOfficeAct, "write:settings", []Role{SystemAdministrator}, "", false},
	{TestOwnPhone, "write:care", people, "five a day", false},
	{AddUserAct, "write:people", []Role{SystemAdministrator}, "the record; what they may is granted by a security administrator", false},
	{OwnTextBudget, "write:care", people, "", false},
	{SetTextBudget, "write:people", []Role{SystemAdministrator}, "of others", false},
	{GrantRoles, "write:security", []Role{SecurityAdministrator}, "and take away; never their own", false},
	{OwnTokens, AnyToken, everyRole, "list and revoke", false},
	{IssueOwnToken, NoToken, people, "at the console: no token makes another for itself", false},
	{KeepTokens, "write:security", []Role{SecurityAdministrator}, "list and revoke those of others, issue those of programs", false},
	{KeepAccounts, "write:security", []Role{SecurityAdministrator}, "tickets for a password or second factor, locks, shutting out who leaves with their plans handed on; never their own", false},
	{OwnAccount, NoToken, people, "at the console: password, second factor, sessions", false},
	{ReadAudit, "read:audit", []Role{AuditAdministrator}, "itself in the audit", false},
	{KnowOneself, AnyToken, everyRole, "", false},
}

// permissions is the table by act.
var permissions = func() map[Act]Permission {
	byAct := map[Act]Permission{}
	for _, p := range Permissions {
		byAct[p.Act] = p
	}
	return byAct
}()

func with(roles []Role, more ...Role) []Role { return append(slices.Clone(roles), more...) }

// Scopes are all that a token can be given.
func Scopes() []Scope {
	var scopes []Scope
	for _, p := range Permissions {
		if p.Scope != AnyToken && p.Scope != NoToken && !slices.Contains(scopes, p.Scope) {
			scopes = append(scopes, p.Scope)
		}
	}
	slices.Sort(scopes)
	return scopes
}

// may tells whether the actor may do one of the acts in the office. It is the one
// check of the verbs; an act without a row is nobody's.
func (a Actor) may(office OfficeID, acts ...Act) bool {
	return a.Kind == System || slices.ContainsFunc(a.rolesFor(acts), func(r Role) bool { return a.rights[r][office] })
}

// Holds tells whether the actor may do one of the acts anywhere: what the doors
// ask before they read a request, and pages before they show a button.
func (a Actor) Holds(acts ...Act) bool {
	return a.Kind == System || slices.ContainsFunc(a.rolesFor(acts), a.Has)
}

// officesFor are the offices where the actor may do the act: what a list shows.
func (a Actor) officesFor(act Act) []OfficeID {
	return slices.DeleteFunc(slices.Clone(a.scope), func(o OfficeID) bool { return !a.may(o, act) })
}

// rolesFor are the roles that let this actor do one of the acts with what they signed in with.
func (a Actor) rolesFor(acts []Act) []Role {
	var roles []Role
	for _, act := range acts {
		if p, listed := permissions[act]; listed && a.opens(p.Scope) {
			roles = append(roles, p.Roles...)
		}
	}
	return roles
}

// opens tells whether what the actor signed in with reaches the scope.
func (a Actor) opens(s Scope) bool {
	switch {
	case s == AnyToken:
		return true
	case s == NoToken:
		return a.Token.IsZero()
	}
	return len(a.scopes) == 0 && a.Kind != Program || slices.Contains(a.scopes, s)
}

// mayForOneself tells whether the actor is that person and may do the act for themself.
func (a Actor) mayForOneself(user UserID, act Act) bool { return a.User == user && a.Holds(act) }

// mayRead tells whether the actor may open the file: in its office, or because its
// plan was shared with an office of theirs (joint aid).
func mayRead(ctx context.Context, tx txn, office OfficeID, recipient RecipientID) (bool, error) {
	if tx.by.may(office, ReadFile) {
		return true, nil
	}
	var shared bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM plan_grants WHERE recipient_id = $1 AND office_id = ANY ($2))",
		recipient, tx.by.officesFor(ReadFile)).Scan(&shared)
	if err != nil {
		return false, fmt.Errorf("look for joint aid: %w", err)
	}
	return shared, nil
}
