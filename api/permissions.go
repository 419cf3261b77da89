package api

import (
	"slices"

	"aftercare/carelog"
)

// acts is what each operation leads to: whoever holds one of the acts gets in, and
// the verb asks for the right one. An operation without a row lets nobody in.
var acts = map[string][]carelog.Act{
	"enrol-recipient":  {carelog.Enrol},
	"import-ledger":    {carelog.Enrol},
	"read-plan":        {carelog.ReadFile},
	"read-history":     {carelog.ReadFile},
	"list-visits":      {carelog.ReadFile},
	"list-assessments": {carelog.ReadFile},
	"list-events":      {carelog.ReadFile},
	"list-judgements":  {carelog.ReadFile},
	"read-household":   {carelog.ReadFile},
	"read-referrals":   {carelog.ReadFile},
	"list-hints":       {carelog.ReadFile},
	"list-replies":     {carelog.ReadFile},
	"list-conflicts":   {carelog.ReadFile},
	"list-openings":    {carelog.ReadFile},
	"unmask-recipient": {carelog.UnmaskFile},
	"ask-to-open":      {carelog.UnmaskFile},
	"decide-opening":   {carelog.GiveLeave},

	"request-visit-confirmation": {carelog.ConfirmVisit},

	"read-check-in":    {carelog.ReadFile},
	"list-records":     {carelog.ReadFile},
	"explain-check-in": {carelog.ReadFile},
	"explain-message":  {carelog.ReadFile},
	"explain-alert":    {carelog.ReadFile},
	"explain-silence":  {carelog.ReadFile},

	"list-plans":          {carelog.ListWork},
	"list-transfers":      {carelog.ListWork},
	"read-offered-plans":  {carelog.ListWork},
	"list-referrals":      {carelog.ListWork},
	"list-check-ins":      {carelog.ListWork},
	"list-messages":       {carelog.ListWork},
	"list-inbox":          {carelog.ListWork},
	"list-tasks":          {carelog.ListWork},
	"list-alerts":         {carelog.ListWork},
	"list-visits-to-sign": {carelog.SignOffVisit},
	"count-plans":         {carelog.CountPlans},

	"note-contact":    {carelog.RecordCare},
	"note-visit":      {carelog.RecordCare},
	"record-check-in": {carelog.RecordCare},
	"change-address":  {carelog.RecordCare},
	"score-blind":     {carelog.ScoreBlindAct},
	"correct-record":  {carelog.CorrectOwn, carelog.CorrectAny},
	"sign-off-visit":  {carelog.SignOffVisit},
	"report-event":    {carelog.ReportEvent},
	"withdraw-event":  {carelog.ReportEvent, carelog.OverruleEvent},

	"start-plan":             {carelog.ManagePlan},
	"pause-plan":             {carelog.ManagePlan, carelog.RestOverRed},
	"pause-household":        {carelog.ManagePlan, carelog.RestOverRed},
	"resume-household":       {carelog.ManagePlan},
	"reopen-plan":            {carelog.ManagePlan},
	"continue-for-household": {carelog.ManagePlan},
	"join-household":         {carelog.ManagePlan},
	"leave-household":        {carelog.ManagePlan},
	"name-contacts":          {carelog.ManagePlan},
	"bar-village":            {carelog.ManagePlan},
	"lift-bar":               {carelog.LiftBar},
	"reschedule-check-in":    {carelog.ManagePlan, carelog.MoveLate},
	"agree-appointment":      {carelog.ManagePlan},
	"change-template":        {carelog.ManagePlan, carelog.LooserTemplate},
	"set-harvest":            {carelog.ManagePlan},
	"move-plans":             {carelog.ManagePlan, carelog.MovePlansAct},

	"propose-tier-down": {carelog.ProposeTier},
	"decide-tier":       {carelog.ProposeTier, carelog.LowerTier},
	"close-plan":        {carelog.ProposeClosing, carelog.ApproveClosing},
	"propose-closing":   {carelog.ProposeClosing},
	"read-exit":         {carelog.ProposeClosing},
	"reject-closing":    {carelog.ProposeClosing, carelog.ApproveClosing},
	"decide-refusal":    {carelog.DecideRefusal},
	"share-plan":        {carelog.SharePlanAct},
	"stop-sharing":      {carelog.SharePlanAct},

	"transfer-to-office": {carelog.HandOver, carelog.HandOverOwn},
	"transfer-plans":     {carelog.HandOver, carelog.HandOverOwn},
	"accept-transfer":    {carelog.AnswerOffer, carelog.AnswerForOther},
	"decline-transfer":   {carelog.AnswerOffer, carelog.AnswerForOther},
	"withdraw-transfer":  {carelog.HandOver, carelog.HandOverOwn},

	"acknowledge-alert": {carelog.ActOnAddressed, carelog.ActOnAnyAlert},
	"snooze-alert":      {carelog.ActOnAddressed, carelog.ActOnAnyAlert},
	"close-alert":       {carelog.ActOnAddressed, carelog.ActOnAnyAlert},
	"resolve-task":      {carelog.SettleTask},
	"record-report":     {carelog.SettleTask},
	"settle-reply":      {carelog.SettleReplyAct},

	"draft-referral":       {carelog.Refer},
	"send-referral":        {carelog.Refer},
	"acknowledge-referral": {carelog.Refer},
	"decide-referral":      {carelog.Refer},
	"correct-referral":     {carelog.Refer},
	"withdraw-referral":    {carelog.Refer},
	"renew-referral":       {carelog.Refer},
	"dismiss-hint":         {carelog.Refer},
	"list-partners":        {carelog.ListPartners},
	"add-partner":          {carelog.AddPartnerAct},

	"list-contacts":   {carelog.ListContacts},
	"add-contact":     {carelog.AddContactAct},
	"verify-number":   {carelog.VouchForNumber},
	"allow-texts":     {carelog.VouchForNumber},
	"change-phone":    {carelog.ReplaceNumber},
	"replace-contact": {carelog.ChangeContact},
	"add-phone":       {carelog.ChangeContact},
	"remove-phone":    {carelog.ChangeContact},
	"list-phones":     {carelog.ListContacts},
	"bar-topics":      {carelog.ChangeContact},
	"flag-conflict":   {carelog.ChangeContact},
	"end-conflict":    {carelog.EndConflict},

	"list-templates":     {carelog.ReadReference},
	"read-calendar":      {carelog.ReadReference},
	"save-template":      {carelog.KeepTemplates},
	"import-holidays":    {carelog.KeepHolidays},
	"roll-back-holidays": {carelog.KeepHolidays},
	"close-office":       {carelog.CloseOfficeAct},
	"end-closure":        {carelog.CloseOfficeAct},
	"list-absences":      {carelog.SeeRoster},
	"list-duties":        {carelog.SeeRoster},
	"set-absence":        {carelog.OwnLeave, carelog.KeepRoster},
	"end-absence":        {carelog.OwnLeave, carelog.KeepRoster},
	"set-duty":           {carelog.KeepDuty},

	"read-texting":    {carelog.SeeTexting},
	"list-lines":      {carelog.SeeTexting},
	"read-routes":     {carelog.SeeTexting},
	"set-texting":     {carelog.SwitchTexting, carelog.SetTextingAct},
	"allow-number":    {carelog.SetTextingAct},
	"set-pace":        {carelog.SetTextingAct},
	"set-route":       {carelog.SetTextingAct},
	"list-wordings":   {carelog.SeeWordings},
	"save-wording":    {carelog.KeepWordings},
	"put-in-force":    {carelog.KeepWordings},
	"record-approval": {carelog.KeepWordings},
	"send-test":       {carelog.TestOwnPhone},

	"add-user":        {carelog.AddUserAct},
	"set-text-budget": {carelog.OwnTextBudget, carelog.SetTextBudget},
	"list-users":      {carelog.KeepAccounts},
	"issue-ticket":    {carelog.KeepAccounts},
	"unlock-user":     {carelog.KeepAccounts},
	"dismiss-user":    {carelog.KeepAccounts},
	"grant-role":      {carelog.GrantRoles},
	"withdraw-role":   {carelog.GrantRoles},
	"issue-token":     {carelog.KeepTokens},
	"list-tokens":     {carelog.OwnTokens, carelog.KeepTokens},
	"revoke-token":    {carelog.OwnTokens, carelog.KeepTokens},
	"read-audit":      {carelog.ReadAudit},
	"read-me":         {carelog.KnowOneself},
}

// Acts is what each operation leads to, for the documentation and the test that
// compares it with the operations there are.
func Acts() map[string][]carelog.Act {
	all := map[string][]carelog.Act{}
	for id, a := range acts {
		all[id] = slices.Clone(a)
	}
	return all
}
