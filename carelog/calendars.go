package carelog

import "aftercare/carelog/calendar"

// cal is the working days of an office as this transaction knows them: one
// reading a transaction, so that what it plans agrees with itself.
func (tx txn) cal(OfficeID) *calendar.Calendar { return tx.days }
