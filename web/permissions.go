package web

import (
	"slices"

	"aftercare/carelog"
)

const notForYou = "this is not for your role, or not within the scopes of your token"

// acts is what each page and deed behind the sign-in leads to: whoever holds one
// of the acts gets in, and the verb asks for the right one. A route without a row
// lets nobody in.
var acts = map[string][]carelog.Act{
	"POST /signout": {carelog.KnowOneself},
	"GET /{$}":      {carelog.KnowOneself}, // what is shown there goes by the verbs

	"GET /recipients/{id}":                     {carelog.ReadFile},
	"POST /recipients/{id}/plan/start":         {carelog.ManagePlan},
	"POST /recipients/{id}/plan/pause":         {carelog.ManagePlan, carelog.RestOverRed},
	"POST /recipients/{id}/plan/close":         {carelog.ProposeClosing, carelog.ApproveClosing},
	"POST /recipients/{id}/plan/reject":        {carelog.ProposeClosing, carelog.ApproveClosing},
	"POST /recipients/{id}/plan/reopen":        {carelog.ManagePlan},
	"GET /check-ins/{id}":                      {carelog.ReadFile},
	"POST /check-ins/{id}/record":              {carelog.RecordCare},
	"POST /check-ins/{id}/answer":              {carelog.RecordCare},
	"POST /check-ins/{id}/reschedule":          {carelog.ManagePlan, carelog.MoveLate},
	"GET /recipients/{id}/full":                {carelog.UnmaskFile},
	"POST /recipients/{id}/full":               {carelog.UnmaskFile},
	"POST /recipients/{id}/openings":           {carelog.UnmaskFile},
	"POST /recipients/{id}/openings/{opening}": {carelog.GiveLeave},
	"POST /check-ins/{id}/confirmation":        {carelog.ConfirmVisit},
	"GET /tasks":                               {carelog.ListWork},
	"POST /tasks/{id}/resolve":                 {carelog.SettleTask},
	"GET /inbox":                               {carelog.ListWork},
	"POST /inbox/{id}/settle":                  {carelog.SettleReplyAct},
	"GET /statistics":                          {carelog.CountPlans},
	"GET /exports":                             {carelog.ListWork, carelog.ListContacts, carelog.ListPartners, carelog.SeeCases},
	"GET /exports/{list}":                      {carelog.ListWork, carelog.ListContacts, carelog.ListPartners, carelog.SeeCases},
	"POST /exports/ledger":                     {carelog.ExportLedgerAct},
	"GET /contacts":                            {carelog.ListContacts},
	"GET /signin/code":                         {carelog.OwnAccount},
	"POST /signin/code":                        {carelog.OwnAccount},
	"GET /account":                             {carelog.OwnAccount},
	"POST /account/password":                   {carelog.OwnAccount},
	"POST /account/sessions/{id}/end":          {carelog.OwnAccount},
	"GET /account/second-factor":               {carelog.OwnAccount},
	"GET /account/second-factor/picture":       {carelog.OwnAccount},
	"POST /account/second-factor/begin":        {carelog.OwnAccount},
	"POST /account/second-factor/confirm":      {carelog.OwnAccount},
	"GET /people":                              {carelog.KeepAccounts},
	"POST /people/{id}/ticket":                 {carelog.KeepAccounts},
	"POST /people/{id}/unlock":                 {carelog.KeepAccounts},
	"POST /people/{id}/dismiss":                {carelog.KeepAccounts},
	"GET /phones":                              {carelog.KnowOneself}, // the demo's
	"POST /phones/{position}/reply":            {carelog.KnowOneself},
}

// Acts is what each route behind the sign-in leads to, for the documentation and
// the test that compares it with the routes there are.
func Acts() map[string][]carelog.Act {
	all := map[string][]carelog.Act{}
	for route, a := range acts {
		all[route] = slices.Clone(a)
	}
	return all
}
