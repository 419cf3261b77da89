package carelog

import "context"

// KeyTables are the tables that a rotation of the master key goes through.
var KeyTables = keyTables

// SealedColumns are the columns with ciphertext and the primary keys of their tables.
func SealedColumns() (columns, keys map[string][]string) {
	columns, keys = map[string][]string{}, map[string][]string{}
	for _, s := range sealedTables {
		columns[s.name] = s.columns
		for _, k := range s.key {
			keys[s.name] = append(keys[s.name], k.name)
		}
	}
	return columns, keys
}

// Forgotten is the query of P1, for a test that asks it of one plan.
var Forgotten = forgotten

// LayAnew brings a plan's check-ins in line as the verbs that change a tier do.
func (l *Log) LayAnew(ctx context.Context, plan PlanID, why string) ([]Move, error) {
	return write(ctx, l, TheSystem(), func(tx txn) ([]Move, error) {
		p, err := l.lockPlan(ctx, tx, plan)
		if err != nil {
			return nil, err
		}
		return l.layAnew(ctx, tx, p, why)
	})
}
