package carelog

import "context"

// standIn is who acts for an officer or supervisor now, and why it is not
// themself: their deputy while they are on leave, the deputy's while that one is.
func (l *Log) standIn(_ context.Context, _ txn, user UserID) (UserID, string, error) {
	return user, "", nil
}
