package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
)

// routes is the list of every operation.
func (s *server) routes() {
	post(s, route{id: "enrol-recipient", path: "/v1/recipients", status: http.StatusCreated, summary: "Take an aid recipient into care"}, s.enrolRecipient)
	get(s, route{id: "read-plan", path: "/v1/recipients/{recipient_id}/plan", summary: "Read a recipient's care plan"}, s.readPlan)
	get(s, route{id: "read-history", path: "/v1/recipients/{recipient_id}/history", summary: "Read a recipient's history, newest first"}, s.readHistory)
	post(s, route{id: "note-contact", path: "/v1/recipients/{recipient_id}/contacts-noted", status: http.StatusCreated, summary: "Note a contact nobody had scheduled"}, s.noteContact)
	post(s, route{id: "note-visit", path: "/v1/recipients/{recipient_id}/visits", status: http.StatusCreated, summary: "Record a visit or call nobody had scheduled"}, s.noteVisit)
	get(s, route{id: "list-visits", path: "/v1/recipients/{recipient_id}/visits", summary: "Read the visits that belong to no check-in, every version"}, s.listVisits)
	get(s, route{id: "list-assessments", path: "/v1/recipients/{recipient_id}/assessments", summary: "Read a household's scorings, superseded ones too"}, s.listAssessments)
	post(s, route{id: "report-event", path: "/v1/recipients/{recipient_id}/events", status: http.StatusCreated, summary: "Report what happened to a household"}, s.reportEvent)
	get(s, route{id: "list-events", path: "/v1/recipients/{recipient_id}/events", summary: "Read what was reported of a household"}, s.listEvents)
	post(s, route{id: "withdraw-event", path: "/v1/events/{event_id}/withdraw", status: http.StatusNoContent, summary: "Take back an event reported by mistake"}, s.withdrawEvent)

	post(s, route{
		id: "unmask-recipient", path: "/v1/recipients/{recipient_id}/unmask", summary: "See a recipient's name, numbers and address in full, with a purpose and a reason",
		more: "Every call is an act of its own in the file's history and in the audit. A minor's file needs leave, or opens in an emergency for a day.",
	}, s.unmask)
	post(s, route{id: "ask-to-open", path: "/v1/recipients/{recipient_id}/openings", status: http.StatusCreated, summary: "Ask for leave to see a minor's file in full"}, s.askToOpen)
	get(s, route{id: "list-openings", path: "/v1/recipients/{recipient_id}/openings", summary: "List who asked to see a minor's file in full"}, s.listOpenings)
	post(s, route{id: "decide-opening", path: "/v1/openings/{opening_id}/decide", status: http.StatusNoContent, summary: "Give or refuse leave to see a minor's file in full, as a supervisor who did not ask"}, s.decideOpening)
	get(s, route{id: "list-disclosures", path: "/v1/recipients/{recipient_id}/disclosures", summary: "List to whom which facts of a file were told, and on what ground"}, s.listDisclosures)
	post(s, route{id: "record-disclosure", path: "/v1/recipients/{recipient_id}/disclosures", status: http.StatusNoContent, summary: "Note that facts of a file were told outside the service"}, s.recordDisclosure)
	get(s, route{id: "read-grounds", path: "/v1/recipients/{recipient_id}/grounds", summary: "Read which notices were given and what was consented to"}, s.readGrounds)
	post(s, route{id: "record-notice", path: "/v1/recipients/{recipient_id}/notices", status: http.StatusCreated, summary: "Note that somebody was told what is done with their facts"}, s.recordNotice)
	post(s, route{id: "record-consent", path: "/v1/recipients/{recipient_id}/consents", status: http.StatusCreated, summary: "Note a consent, or the legal duty in its place"}, s.recordConsent)
	post(s, route{id: "withdraw-consent", path: "/v1/recipients/{recipient_id}/consents/{purpose}/withdraw", summary: "Note that a consent was taken back; without it the village is asked no more"}, s.withdrawConsent)
	post(s, route{
		id: "export-own-file", path: "/v1/recipients/{recipient_id}/own-file", summary: "Hand a person all that is held about them, as a supervisor",
		more: "A file to keep, as JSON or as text. It is recorded as a disclosure; a repeat is another one.",
	}, s.exportOwnFile)
	post(s, route{id: "correct-identity", path: "/v1/recipients/{recipient_id}/identity", status: http.StatusNoContent, summary: "Put right who a recipient is; what stood before is kept"}, s.correctIdentity)
	post(s, route{id: "restrict-file", path: "/v1/recipients/{recipient_id}/restrict", status: http.StatusNoContent, summary: "Freeze a file, as a supervisor: kept, read with a reason, and nothing else"}, s.restrictFile)
	post(s, route{id: "lift-restriction", path: "/v1/recipients/{recipient_id}/lift-restriction", status: http.StatusNoContent, summary: "End the freezing of a file"}, s.liftRestriction)
	post(s, route{id: "open-restricted-file", path: "/v1/recipients/{recipient_id}/open-restricted", summary: "Read a frozen file for an hour, with a reason"}, s.openRestricted)
	post(s, route{id: "place-hold", path: "/v1/recipients/{recipient_id}/hold", status: http.StatusNoContent, summary: "Keep a file from being erased, whatever time runs out"}, s.placeHold)
	post(s, route{id: "lift-hold", path: "/v1/recipients/{recipient_id}/lift-hold", status: http.StatusNoContent, summary: "End the hold of a file"}, s.liftHold)
	post(s, route{id: "propose-erasure", path: "/v1/recipients/{recipient_id}/propose-erasure", status: http.StatusNoContent, summary: "Propose to erase a file whose time has run, because its person asks for it"}, s.proposeErasure)
	post(s, route{
		id: "erase-file", path: "/v1/recipients/{recipient_id}/erase", status: http.StatusNoContent, summary: "Erase a file whose erasure was proposed, as another supervisor",
		more: "It cannot be taken back. Refused while a plan is open, a hold is placed or the time to keep the file runs; the refusal names the date. A repeat changes nothing.",
	}, s.eraseFile)
	post(s, route{id: "reject-erasure", path: "/v1/recipients/{recipient_id}/reject-erasure", status: http.StatusNoContent, summary: "Keep a file whose erasure was proposed, with the reason"}, s.rejectErasure)
	get(s, route{id: "list-erasures", path: "/v1/erasures", summary: "List proposed, rejected and done erasures"}, s.listErasures)
	get(s, route{id: "list-retention", path: "/v1/retention", summary: "List how long what is kept, every version"}, s.listRetention)
	post(s, route{id: "propose-retention", path: "/v1/retention/{kind}/versions", status: http.StatusCreated, summary: "Propose another time to keep a kind of record"}, s.proposeRetention)
	post(s, route{id: "approve-retention", path: "/v1/retention/{kind}/versions/{version}/approve", status: http.StatusNoContent, summary: "Put a proposed time in force, as somebody who did not propose it"}, s.approveRetention)
	get(s, route{id: "list-retention-runs", path: "/v1/retention/runs", summary: "List what the nightly runs did, by kind"}, s.listRetentionRuns)

	post(s, route{id: "start-plan", path: "/v1/plans/{plan_id}/start", summary: "Start a draft or resume a paused plan"}, s.startPlan)
	post(s, route{id: "pause-plan", path: "/v1/plans/{plan_id}/pause", summary: "Pause a plan until a review date; a supervisor where something is overdue or a red alert is open"}, s.pausePlan)
	get(s, route{id: "list-judgements", path: "/v1/recipients/{recipient_id}/judgements", summary: "Read what the rules found of a household, and why"}, s.listJudgements)
	post(s, route{id: "propose-tier-down", path: "/v1/plans/{plan_id}/tier/propose", summary: "Propose to look after a household less closely"}, s.proposeTier)
	post(s, route{id: "decide-tier", path: "/v1/plans/{plan_id}/tier", summary: "Raise a tier, or decide about a lower one"}, s.decideTier)
	post(s, route{id: "pause-household", path: "/v1/plans/{plan_id}/pause-household", summary: "Pause the plans of everybody of the household in one act"}, s.pauseHousehold)
	post(s, route{id: "resume-household", path: "/v1/plans/{plan_id}/resume-household", summary: "Resume the plans that were paused in one act"}, s.resumeHousehold)
	post(s, route{id: "close-plan", path: "/v1/plans/{plan_id}/close", summary: "Propose the closing of a plan by the exit rule, or approve a proposed closing"}, s.closePlan)
	post(s, route{id: "propose-closing", path: "/v1/plans/{plan_id}/propose-closing", summary: "Propose the closing of a plan on a defined path"}, s.proposeClosing)
	post(s, route{id: "reject-closing", path: "/v1/plans/{plan_id}/reject-closing", summary: "Reject a proposed closing: care goes on"}, s.rejectClosing)
	get(s, route{id: "read-exit", path: "/v1/plans/{plan_id}/exit", summary: "Read which conditions of the exit rule are met"}, s.readExit)
	post(s, route{id: "reopen-plan", path: "/v1/plans/{plan_id}/reopen", summary: "Take a closed plan up again"}, s.reopenPlan)
	post(s, route{id: "continue-for-household", path: "/v1/plans/{plan_id}/continue", summary: "Go on with the household that is left after a death"}, s.continueForHousehold)
	post(s, route{id: "decide-refusal", path: "/v1/plans/{plan_id}/decide-refusal", summary: "Decide about a household that refused care"}, s.decideRefusal)
	post(s, route{id: "change-address", path: "/v1/plans/{plan_id}/change-address", summary: "Move a household within the office"}, s.changeAddress)
	post(s, route{id: "transfer-to-office", path: "/v1/plans/{plan_id}/transfer-to-office", summary: "Offer a plan to another office"}, s.transferToOffice)
	post(s, route{id: "share-plan", path: "/v1/plans/{plan_id}/share", status: http.StatusNoContent, summary: "Let another office read a plan's file: joint aid"}, s.sharePlan)
	post(s, route{id: "stop-sharing", path: "/v1/plans/{plan_id}/stop-sharing", status: http.StatusNoContent, summary: "End joint aid: other offices read the file no longer"}, s.stopSharing)
	get(s, route{id: "list-plans", path: "/v1/plans", summary: "List plans"}, s.listPlans)
	get(s, route{id: "count-plans", path: "/v1/plans/counts", summary: "Count the open plans by what they wait for"}, s.countPlans)
	post(s, route{id: "add-department", path: "/v1/departments", status: http.StatusCreated, summary: "Add a department of an office: which leads is data"}, s.addDepartment)
	post(s, route{id: "end-department", path: "/v1/departments/{department_id}/end", status: http.StatusNoContent, summary: "End a department; what it did stays"}, s.endDepartment)
	get(s, route{id: "list-departments", path: "/v1/departments", summary: "List departments"}, s.listDepartments)
	post(s, route{id: "record-clue", path: "/v1/clues", status: http.StatusCreated, summary: "Record a clue and hand it over to a department"}, s.recordClue)
	get(s, route{id: "list-clues", path: "/v1/clues", summary: "List clues, without what is sealed"}, s.listClues)
	get(s, route{id: "read-clue", path: "/v1/clues/{clue_id}", summary: "Read one clue"}, s.readClue)
	post(s, route{id: "answer-clue", path: "/v1/clues/{clue_id}/answer", summary: "Take a clue over, send it back, or end it"}, s.answerClue)
	get(s, route{id: "read-conditions", path: "/v1/clues/{clue_id}/conditions", summary: "Read a clue's checklist with the rules each answer rests on"}, s.readConditions)
	post(s, route{id: "answer-condition", path: "/v1/clues/{clue_id}/conditions/{item}", status: http.StatusNoContent, summary: "Note what was found about one condition"}, s.answerCondition)
	get(s, route{id: "list-rules", path: "/v1/rules", summary: "List the versions of the rules that conditions rest on"}, s.listRules)
	post(s, route{id: "add-rule", path: "/v1/rules/{rule}/versions", status: http.StatusCreated, summary: "Add the next version of a rule, in force from a day"}, s.addRule)
	post(s, route{id: "open-case", path: "/v1/clues/{clue_id}/case", status: http.StatusCreated, summary: "Open a case file from a clue that was taken over"}, s.openCase)
	get(s, route{id: "list-cases", path: "/v1/cases", summary: "List case files: how far they are, what is late, what was paid before it was approved"}, s.listCases)
	get(s, route{id: "read-case", path: "/v1/cases/{case_id}", summary: "Read a case file: five steps, what is missing to go on, the clocks"}, s.readCase)
	post(s, route{id: "add-case-entry", path: "/v1/cases/{case_id}/entries", status: http.StatusCreated, summary: "Add what was done in a case"}, s.addCaseEntry)
	post(s, route{id: "join-case", path: "/v1/cases/{case_id}/recipients", summary: "Put a recipient's award into a case"}, s.joinCase)
	post(s, route{id: "add-case-file", path: "/v1/cases/{case_id}/files", status: http.StatusCreated, bodyBytes: maxAttachmentBytes, time: 2 * time.Minute, summary: "Keep a document in a case; a picture loses where it was taken"}, s.addCaseFile)
	get(s, route{id: "list-case-files", path: "/v1/cases/{case_id}/files", summary: "List a case's documents"}, s.listCaseFiles)
	get(s, route{id: "read-case-file", path: "/v1/cases/{case_id}/files/{file_id}", summary: "Read one document, as a file to keep"}, s.readCaseFile)
	post(s, route{id: "save-group", path: "/v1/groups", status: http.StatusNoContent, summary: "Say what a group of cases has in common"}, s.saveGroup)
	get(s, route{id: "list-groups", path: "/v1/groups", summary: "List groups of cases: persons, households, townships and villages, each counted"}, s.listGroups)
	get(s, route{id: "read-trip", path: "/v1/trips", summary: "What is late or due, by township, village and household, so that one trip covers neighbours"}, s.readTrip)
	get(s, route{id: "read-partner", path: "/v1/partners/{partner_id}", summary: "Read a partner: what was agreed, who is asked"}, s.readPartner)
	post(s, route{id: "set-agreement", path: "/v1/partners/{partner_id}/agreement", status: http.StatusNoContent, summary: "Record what was agreed with a partner"}, s.setAgreement)
	post(s, route{id: "add-partner-contact", path: "/v1/partners/{partner_id}/contacts", status: http.StatusCreated, summary: "Add somebody further to ask at a partner"}, s.addPartnerContact)
	post(s, route{id: "plan-meeting", path: "/v1/meetings", status: http.StatusCreated, summary: "Plan a joint meeting with partners"}, s.planMeeting)
	get(s, route{id: "list-meetings", path: "/v1/meetings", summary: "List joint meetings"}, s.listMeetings)
	get(s, route{id: "read-meeting", path: "/v1/meetings/{meeting_id}", summary: "Read a meeting: what waits for each partner, minutes, decisions"}, s.readMeeting)
	post(s, route{id: "hold-meeting", path: "/v1/meetings/{meeting_id}/minutes", status: http.StatusNoContent, summary: "Record a meeting's minutes and decisions"}, s.holdMeeting)
	get(s, route{id: "list-changes", path: "/v1/changes", summary: "Read what changed since a cursor: ids and kinds, none passed by"}, s.listChanges)
	put(s, route{id: "put-recipient", path: "/v1/recipients/by-external-id/{external_id}", summary: "Enrol by another system's number; a repeat changes nothing, other facts become a task"}, s.putRecipient)
	post(s, route{id: "add-subscription", path: "/v1/subscriptions", status: http.StatusCreated, summary: "Have an address told of changes; the secret is told once"}, s.subscribe)
	get(s, route{id: "list-subscriptions", path: "/v1/subscriptions", summary: "List who is told of changes"}, s.listSubscriptions)
	post(s, route{id: "set-subscription", path: "/v1/subscriptions/{subscription_id}/state", status: http.StatusNoContent, summary: "End a subscription, or have it go on, from an earlier cursor too"}, s.setSubscription)
	post(s, route{id: "search-files", path: "/v1/search", summary: "Find files by masked name, village, number, task code or last four digits"}, s.searchFiles)
	get(s, route{id: "read-statistics", path: "/v1/statistics", summary: "Count awards, people, households and what was done for them, beside the year before"}, s.readStatistics)

	post(s, route{id: "transfer-plans", path: "/v1/transfers", summary: "Offer plans to a colleague in one act"}, s.transferPlans)
	get(s, route{id: "list-transfers", path: "/v1/transfers", summary: "List the open acts of handing over"}, s.listTransfers)
	get(s, route{id: "read-offered-plans", path: "/v1/transfers/{transfer_id}/plans", summary: "Read the plans that wait in an act"}, s.readOfferedPlans)
	post(s, route{id: "accept-transfer", path: "/v1/transfers/{transfer_id}/accept", summary: "Take offered plans over"}, s.acceptTransfer)
	post(s, route{id: "decline-transfer", path: "/v1/transfers/{transfer_id}/decline", summary: "Give offered plans back"}, s.declineTransfer)
	post(s, route{id: "withdraw-transfer", path: "/v1/transfers/{transfer_id}/withdraw", summary: "Take an offer back"}, s.withdrawTransfer)

	post(s, route{id: "join-household", path: "/v1/households", summary: "Join recipients who live together"}, s.joinHousehold)
	get(s, route{id: "read-household", path: "/v1/recipients/{recipient_id}/household", summary: "Read who lives with a recipient"}, s.readHousehold)
	post(s, route{id: "leave-household", path: "/v1/recipients/{recipient_id}/leave-household", status: http.StatusNoContent, summary: "Part a recipient from a household"}, s.leaveHousehold)

	post(s, route{id: "name-contacts", path: "/v1/plans/{plan_id}/contacts", summary: "Name the village contacts of a household anew"}, s.nameContacts)
	post(s, route{id: "bar-village", path: "/v1/plans/{plan_id}/bar-village", summary: "Keep a household from every village contact; the officer phones instead"}, s.barVillage)
	post(s, route{id: "lift-bar", path: "/v1/plans/{plan_id}/lift-bar", summary: "Let village contacts be named again, as a supervisor"}, s.liftBar)

	get(s, route{id: "read-outcome", path: "/v1/recipients/{recipient_id}/outcome", summary: "Read what care has changed for a household so far"}, s.readOutcome)
	get(s, route{id: "list-merges", path: "/v1/merges", summary: "List the merges that wait for a decision"}, s.listMerges)
	post(s, route{id: "propose-merge", path: "/v1/recipients/{recipient_id}/merge", status: http.StatusCreated, summary: "Propose that another file is about the same person and points at this one"}, s.proposeMerge)
	post(s, route{id: "propose-contact-merge", path: "/v1/contacts/{contact_id}/merge", status: http.StatusCreated, summary: "Propose that another contact is the same and becomes a second phone of this one"}, s.proposeContactMerge)
	post(s, route{id: "decide-merge", path: "/v1/merges/{merge_id}/decide", status: http.StatusNoContent, summary: "Merge, or reject it, as a supervisor who did not propose it; there is no way back"}, s.decideMerge)

	get(s, route{id: "read-funds", path: "/v1/recipients/{recipient_id}/funds", summary: "Read a recipient's money: award, loss, what was released under whose eyes, what it was used for"}, s.readFunds)
	post(s, route{id: "agree-supervision", path: "/v1/recipients/{recipient_id}/supervision", summary: "Write down the agreement of three about an award that is released bit by bit"}, s.agreeSupervision)
	post(s, route{id: "tie-instalment", path: "/v1/instalments/{instalment_id}/tie", summary: "Name the check-in that an instalment waits for, or move its day"}, s.tieInstalment)
	post(s, route{id: "release-instalment", path: "/v1/instalments/{instalment_id}/release", summary: "Release an instalment after its check-in, as a supervisor who had no part in either"}, s.releaseInstalment)
	post(s, route{id: "record-fund-use", path: "/v1/recipients/{recipient_id}/fund-uses", summary: "Write down what some of the money was used for, with its evidence"}, s.recordFundUse)
	post(s, route{id: "withdraw-fund-use", path: "/v1/fund-uses/{fund_use_id}/withdraw", summary: "Take back an entry of the use-of-money ledger that was a mistake"}, s.withdrawFundUse)

	get(s, route{id: "list-partners", path: "/v1/partners", summary: "List the bodies that help"}, s.listPartners)
	post(s, route{id: "add-partner", path: "/v1/partners", status: http.StatusCreated, summary: "Add a body that helps"}, s.addPartner)
	get(s, route{id: "list-referrals", path: "/v1/referrals", summary: "List referrals by state, partner or lateness"}, s.listReferrals)
	get(s, route{id: "read-referrals", path: "/v1/recipients/{recipient_id}/referrals", summary: "Read a recipient's referrals with every step"}, s.readReferrals)
	post(s, route{id: "draft-referral", path: "/v1/recipients/{recipient_id}/referrals", status: http.StatusCreated, summary: "Draft a referral to a partner"}, s.draftReferral)
	post(s, route{id: "send-referral", path: "/v1/referrals/{referral_id}/send", summary: "Record that a referral went out, with what was disclosed and why it may be"}, s.sendReferral)
	post(s, route{id: "acknowledge-referral", path: "/v1/referrals/{referral_id}/acknowledge", summary: "Record that the partner has it"}, s.acknowledgeReferral)
	post(s, route{id: "decide-referral", path: "/v1/referrals/{referral_id}/decide", summary: "Record what the partner decided"}, s.decideReferral)
	post(s, route{id: "correct-referral", path: "/v1/referrals/{referral_id}/correct", summary: "Set a recorded decision right; the old one stays beside it"}, s.correctReferral)
	post(s, route{id: "withdraw-referral", path: "/v1/referrals/{referral_id}/withdraw", summary: "Take a referral back"}, s.withdrawReferral)
	post(s, route{id: "renew-referral", path: "/v1/referrals/{referral_id}/renew", summary: "Record a granted benefit's new term"}, s.renewReferral)
	get(s, route{id: "list-hints", path: "/v1/recipients/{recipient_id}/hints", summary: "Measures worth asking for, and what says so"}, s.listHints)
	post(s, route{id: "dismiss-hint", path: "/v1/recipients/{recipient_id}/hints/{measure}/dismiss", status: http.StatusNoContent, summary: "Set a hint aside with a reason"}, s.dismissHint)
	post(s, route{id: "change-template", path: "/v1/plans/{plan_id}/template", summary: "Have a plan follow another template"}, s.changeTemplate)
	post(s, route{id: "set-harvest", path: "/v1/plans/{plan_id}/harvest", summary: "Say when a household harvests"}, s.setHarvest)

	get(s, route{id: "list-templates", path: "/v1/templates", summary: "List every version of every plan template"}, s.listTemplates)
	post(s, route{id: "save-template", path: "/v1/templates/{key}/versions", summary: "Make the next version of a template, or preview it", time: 5 * time.Minute}, s.saveTemplate)
	post(s, route{id: "move-plans", path: "/v1/templates/{key}/move", summary: "Move plans to another version of their template, or preview it", time: 5 * time.Minute}, s.movePlans)

	get(s, route{id: "list-check-ins", path: "/v1/check-ins", summary: "List check-ins by due date"}, s.listCheckIns)
	get(s, route{id: "read-check-in", path: "/v1/check-ins/{check_in_id}", summary: "Read a check-in"}, s.readCheckIn)
	post(s, route{id: "record-check-in", path: "/v1/check-ins/{check_in_id}/records", status: http.StatusCreated, summary: "Record a try at a check-in"}, s.recordCheckIn)
	post(s, route{id: "reschedule-check-in", path: "/v1/check-ins/{check_in_id}/reschedule", summary: "Move an open check-in to another working day, within 60 days of its first date; a supervisor where it is late"}, s.rescheduleCheckIn)
	post(s, route{id: "agree-appointment", path: "/v1/check-ins/{check_in_id}/appointment", summary: "Note when the household and the officer agreed to meet"}, s.agreeAppointment)
	get(s, route{id: "list-records", path: "/v1/check-ins/{check_in_id}/records", summary: "Read what was recorded of a check-in, every version"}, s.listRecords)
	post(s, route{id: "score-blind", path: "/v1/check-ins/{check_in_id}/blind-scores", status: http.StatusCreated, summary: "Score a home visit a second time, without seeing the first scores"}, s.scoreBlind)
	post(s, route{id: "request-visit-confirmation", path: "/v1/check-ins/{check_in_id}/confirmation", status: http.StatusNoContent, summary: "Have the village contact confirm a recorded home visit, as a supervisor who had no part in it"}, s.requestVisitConfirmation)
	post(s, route{id: "correct-record", path: "/v1/records/{record_id}/correct", status: http.StatusCreated, summary: "Correct a record by a new version"}, s.correctRecord)
	post(s, route{id: "sign-off-visit", path: "/v1/records/{record_id}/sign-off", status: http.StatusNoContent, summary: "Sign a home visit off"}, s.signOffVisit)
	get(s, route{id: "list-visits-to-sign", path: "/v1/visits-to-sign", summary: "List the home visits that wait for a signature"}, s.listVisitsToSign)

	get(s, route{id: "list-messages", path: "/v1/messages", summary: "List texts: when and why each goes out, and what became of it"}, s.listMessages)
	get(s, route{id: "list-contacts", path: "/v1/contacts", summary: "List village contacts"}, s.listContacts)
	post(s, route{id: "add-contact", path: "/v1/contacts", status: http.StatusCreated, summary: "Add a village contact"}, s.addContact)
	get(s, route{id: "list-inbox", path: "/v1/inbox", summary: "List the replies that wait for a person, with what each may be about"}, s.listInbox)
	post(s, route{id: "settle-reply", path: "/v1/inbox/{inbound_id}/settle", status: http.StatusNoContent, summary: "Settle a reply: match it, note it in a file, say that the number is wrong, or that there is nothing to do"}, s.settleReply)
	get(s, route{id: "list-replies", path: "/v1/recipients/{recipient_id}/replies", summary: "Read the replies about a recipient with every decision on them"}, s.listReplies)
	post(s, route{id: "verify-number", path: "/v1/contacts/{contact_id}/verify-number", status: http.StatusNoContent, summary: "Say that a contact's number is theirs: requests go there from now on"}, s.verifyNumber)
	post(s, route{id: "change-phone", path: "/v1/contacts/{contact_id}/change-phone", status: http.StatusNoContent, summary: "Give a contact another number"}, s.changePhone)
	post(s, route{id: "allow-texts", path: "/v1/contacts/{contact_id}/allow-texts", status: http.StatusNoContent, summary: "Text a number again that had asked for no more texts"}, s.allowTexts)
	get(s, route{id: "list-phones", path: "/v1/contacts/{contact_id}/phones", summary: "List a contact's phones, the first one first"}, s.listPhones)
	post(s, route{id: "add-phone", path: "/v1/contacts/{contact_id}/phones", status: http.StatusCreated, summary: "Give a contact a second phone: it is texted where the first may not be, and believed like it"}, s.addPhone)
	post(s, route{id: "remove-phone", path: "/v1/contacts/{contact_id}/phones/{phone_id}/remove", status: http.StatusNoContent, summary: "Take a contact's second phone away"}, s.removePhone)
	post(s, route{id: "replace-contact", path: "/v1/contacts/{contact_id}/replace", summary: "Put another contact in the place of one, everywhere in one act"}, s.replaceContact)
	post(s, route{id: "bar-topics", path: "/v1/contacts/{contact_id}/barred-topics", summary: "Say about which kinds of household a contact is never asked"}, s.barTopics)
	get(s, route{id: "list-conflicts", path: "/v1/recipients/{recipient_id}/conflicts", summary: "List which contacts are never asked about a household"}, s.listConflicts)
	post(s, route{id: "flag-conflict", path: "/v1/recipients/{recipient_id}/conflicts", status: http.StatusNoContent, summary: "Note that a contact has a conflict of interest with a household"}, s.flagConflict)
	post(s, route{id: "end-conflict", path: "/v1/recipients/{recipient_id}/conflicts/{contact_id}/end", status: http.StatusNoContent, summary: "End a conflict of interest, as a supervisor"}, s.endConflict)
	get(s, route{id: "list-tasks", path: "/v1/tasks", summary: "List open work for a person"}, s.listTasks)
	post(s, route{id: "resolve-task", path: "/v1/tasks/{task_id}/resolve", status: http.StatusNoContent, summary: "End a task with what was done"}, s.resolveTask)
	post(s, route{id: "record-report", path: "/v1/tasks/{task_id}/reports", status: http.StatusNoContent, summary: "End a mandatory-report task with to whom, when and under what number it was made"}, s.recordReport)

	get(s, route{id: "read-calendar", path: "/v1/calendar/{year}", summary: "Read a year's working days as your office has them"}, s.readCalendar)
	post(s, route{
		id: "import-holidays", path: "/v1/calendar/imports", summary: "Take in a year's notice of holidays",
		more: "Send the year's file of holiday-cn as it is. What it touches of future, unsent work is laid anew; `preview=true` tells what would move and keeps nothing. Problems of the file stand in `errors`, by their path.",
		time: 5 * time.Minute,
	}, s.importHolidays)
	post(s, route{id: "roll-back-holidays", path: "/v1/calendar/imports/{notice_id}/rollback", summary: "Take a year's notice out of force again", time: 5 * time.Minute}, s.rollBackHolidays)
	post(s, route{id: "close-office", path: "/v1/calendar/closures", summary: "Close an office for some days, or have it work on rest days", time: 5 * time.Minute}, s.closeOffice)
	post(s, route{id: "end-closure", path: "/v1/calendar/closures/{closure_id}/end", summary: "End a closure from today on", time: 5 * time.Minute}, s.endClosure)

	get(s, route{id: "list-alerts", path: "/v1/alerts", summary: "List alerts, red first: the clock, who is responsible, how far up the ladder"}, s.listAlerts)
	post(s, route{id: "acknowledge-alert", path: "/v1/alerts/{alert_id}/acknowledge", status: http.StatusNoContent, summary: "Say by name that you act on an alert"}, s.acknowledgeAlert)
	post(s, route{id: "snooze-alert", path: "/v1/alerts/{alert_id}/snooze", status: http.StatusNoContent, summary: "Put the ladder of an alert off, with a reason"}, s.snoozeAlert)
	post(s, route{id: "close-alert", path: "/v1/alerts/{alert_id}/close", status: http.StatusNoContent, summary: "End an alert with what was done"}, s.closeAlert)

	get(s, route{id: "list-absences", path: "/v1/absences", summary: "List leaves that are not over"}, s.listAbsences)
	post(s, route{id: "set-absence", path: "/v1/absences", status: http.StatusCreated, summary: "Record a leave and who stands in"}, s.setAbsence)
	post(s, route{id: "end-absence", path: "/v1/absences/{absence_id}/end", status: http.StatusNoContent, summary: "End a leave early"}, s.endAbsence)
	get(s, route{id: "list-duties", path: "/v1/duties", summary: "List the duty roster as far as it is not over"}, s.listDuties)
	post(s, route{id: "set-duty", path: "/v1/duties", status: http.StatusCreated, summary: "Say who gets what is red out of office hours"}, s.setDuty)

	get(s, route{id: "read-texting", path: "/v1/offices/{office_id}/texting", summary: "Read whom an office texts, and what it has cost this month"}, s.readTexting)
	post(s, route{id: "set-texting", path: "/v1/offices/{office_id}/texting", status: http.StatusNoContent, summary: "Set whom an office texts and how much: the stop switch, a pilot, a quota, budgets"}, s.setTexting)
	post(s, route{id: "allow-number", path: "/v1/offices/{office_id}/pilot-numbers", status: http.StatusNoContent, summary: "Let a number be texted in the office's pilot, or no longer"}, s.allowNumber)
	get(s, route{id: "list-lines", path: "/v1/lines", summary: "List lines: how fast each speaks, now and as set"}, s.listLines)
	post(s, route{id: "set-pace", path: "/v1/lines/{line_id}/pace", status: http.StatusNoContent, summary: "Set how many texts a line sends a second, and what a segment costs"}, s.setPace)
	get(s, route{id: "read-routes", path: "/v1/offices/{office_id}/routes", summary: "Read which line an office speaks from to which country"}, s.readRouting)
	post(s, route{id: "set-route", path: "/v1/offices/{office_id}/routes", status: http.StatusNoContent, summary: "Set or end an office's route to the numbers of a country"}, s.setRoute)
	get(s, route{id: "list-wordings", path: "/v1/wordings", summary: "List every version of every text we send, with what carriers said of it"}, s.listWordings)
	post(s, route{id: "save-wording", path: "/v1/wordings/{key}/versions", status: http.StatusCreated, summary: "Save a text as the next version of its wording, a draft"}, s.saveWording)
	post(s, route{id: "put-in-force", path: "/v1/wordings/{key}/{language}/versions/{version}/put-in-force", summary: "Have a version be what is said from now on, as somebody who did not save it"}, s.putInForce)
	post(s, route{id: "record-approval", path: "/v1/wordings/{key}/{language}/versions/{version}/approvals", summary: "Note what a carrier says of a version"}, s.recordApproval)
	post(s, route{id: "send-test", path: "/v1/test-texts", status: http.StatusCreated, summary: "Send a test to your own phone"}, s.sendTest)

	post(s, route{id: "set-text-budget", path: "/v1/users/{user_id}/texts-a-day", status: http.StatusNoContent, summary: "Set how many texts a person gets a day before the rest is a digest"}, s.setTextBudget)
	post(s, route{id: "add-user", path: "/v1/users", status: http.StatusCreated, summary: "Add a person who signs in"}, s.addUser)
	get(s, route{id: "list-users", path: "/v1/users", summary: "List the people whose accounts you handle"}, s.listUsers)
	post(s, route{
		id: "issue-ticket", path: "/v1/users/{user_id}/tickets", status: http.StatusCreated, summary: "Issue a ticket for a person to set a password or another second factor",
		more: "The secret is shown this once and kept nowhere; so a repeat with the same Idempotency-Key issues another ticket, and ends the first.",
	}, s.issueTicket)
	post(s, route{id: "unlock-user", path: "/v1/users/{user_id}/unlock", status: http.StatusNoContent, summary: "Let a person in again who is locked after failed sign-ins"}, s.unlockUser)
	post(s, route{id: "dismiss-user", path: "/v1/users/{user_id}/dismiss", summary: "Shut a person out who leaves, and hand their plans to a successor, in one act"}, s.dismissUser)
	post(s, route{
		id: "issue-token", path: "/v1/tokens", status: http.StatusCreated, summary: "Issue a bearer token for a program",
		more: "The secret is shown this once and kept nowhere; so a repeat with the same Idempotency-Key issues another token.",
	}, s.issueToken)
	get(s, route{id: "list-tokens", path: "/v1/tokens", summary: "List your tokens, or a person's, without their secrets"}, s.listTokens)
	post(s, route{id: "revoke-token", path: "/v1/tokens/{token_id}/revoke", status: http.StatusNoContent, summary: "End one token"}, s.revokeToken)
	post(s, route{id: "grant-role", path: "/v1/users/{user_id}/roles", status: http.StatusNoContent, summary: "Grant a person a role in an office"}, s.grantRole)
	post(s, route{id: "withdraw-role", path: "/v1/users/{user_id}/roles/withdraw", status: http.StatusNoContent, summary: "Take a role in an office away"}, s.withdrawRole)
	get(s, route{id: "read-audit", path: "/v1/audit", summary: "Read who did what, newest first"}, s.readAudit)
	get(s, route{id: "read-me", path: "/v1/me", summary: "Who this token stands for"}, s.readMe)

	get(s, route{id: "explain-check-in", path: "/v1/check-ins/{check_in_id}/explain", summary: "Why a check-in is there, and then"}, s.explainCheckIn)
	get(s, route{id: "explain-message", path: "/v1/messages/{message_id}/explain", summary: "Why a text goes, went or never went out"}, s.explainMessage)
	get(s, route{id: "explain-alert", path: "/v1/alerts/{alert_id}/explain", summary: "Which rule raised an alert, on what, and who has been told"}, s.explainAlert)
	get(s, route{id: "explain-silence", path: "/v1/recipients/{recipient_id}/explain", summary: "Why nothing is heard about a household"}, s.explainSilence)

	post(s, route{
		id: "import-ledger", path: "/v1/imports", summary: "Enrol the recipients of a spreadsheet, all or none",
		more:      "Send the file itself (xlsx or csv), or multipart/form-data with the part `file`. A bad row refuses the whole ledger with every problem in `errors`; a dry run reports them with 200 and changes nothing.",
		bodyBytes: maxLedgerBytes, time: 5 * time.Minute,
	}, s.importLedger)
}

// route is what the routes differ in.
type route struct {
	id, path      string
	summary, more string
	status        int           // of success; 0: 200
	bodyBytes     int64         // 0: maxBodyBytes
	time          time.Duration // 0: patience
}

// Limits of a request where its route names none.
const (
	maxBodyBytes = 128 << 10 // a full record or enrolment takes 100 KiB; what is wrong in it is found field by field
	patience     = 30 * time.Second
	arrival      = time.Minute // of a body: nobody holds a place by sending a byte now and then
)

// verb is one operation: who calls, and what they ask for.
type verb[I, O any] func(ctx context.Context, by carelog.Actor, in *I) (*O, error)

func get[I, O any](s *server, r route, do verb[I, O]) {
	register(s, r.operation(http.MethodGet), "query", do)
}

// put is an operation that a repeat of the same body does not change.
func put[I, O any](s *server, r route, do verb[I, O]) {
	register(s, r.operation(http.MethodPut), "body", do)
}

func post[I, O any](s *server, r route, do verb[I, O]) {
	op := r.operation(http.MethodPost)
	longest := maxRequestKey
	op.Parameters = []*huma.Param{{
		Name: requestKeyHeader, In: "header", Example: "enrol-YY2026-001",
		Description: "Makes a repeat safe: it gets the first answer and does nothing. The same key with another request is refused.",
		Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &longest, Pattern: "^[!-~]+$"},
	}}
	register(s, op, "body", do)
}

func (r route) operation(method string) huma.Operation {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.bodyBytes == 0 {
		r.bodyBytes = maxBodyBytes
	}
	if r.time == 0 {
		r.time = patience
	}
	return huma.Operation{
		OperationID: r.id, Method: method, Path: r.path, Summary: r.summary, Description: r.more, DefaultStatus: r.status,
		Tags: []string{strings.Split(r.path, "/")[2]},
		// The guard has read the body within MaxBodyBytes; Huma refuses what reaches its own limit.
		MaxBodyBytes: r.bodyBytes + 1,
		Metadata:     map[string]any{timeLimit: r.time},
		Security:     []map[string][]string{{bearerScheme: {}}},
		Errors:       r.errors(method),
	}
}

func (r route) errors(method string) []int {
	errors := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	if method == http.MethodPost {
		errors = append(errors, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return errors
}

// register puts the verb behind its operation. fields is where the fields that
// the care log refuses stand in the request.
func register[I, O any](s *server, op huma.Operation, fields string, do verb[I, O]) {
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, callOf(ctx).by, in)
		if err != nil {
			return nil, s.refuse(ctx, op.OperationID, fields, err)
		}
		return out, nil
	})
}

// answer is a body and nothing else.
type answer[T any] struct{ Body T }

// made is the answer to what made something, with where to read it.
type made[T any] struct {
	Location string `header:"Location" doc:"Where to read what was made"`
	Body     T
}
