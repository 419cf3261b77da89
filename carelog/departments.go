package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Department is a part of an office that finds clues or takes them over (1+N, L10).
// Which one leads is data: no number in a name.
type Department struct {
	ID      DepartmentID `json:"department_id"`
	Office  OfficeID     `json:"office_id"`
	Name    string       `json:"name"`
	Kind    string       `json:"kind"` // lead, criminal, civil, public_interest, other
	EndedAt *time.Time   `json:"ended_at"`
}

var departmentKinds = []string{"lead", "criminal", "civil", "public_interest", "other"}

// AddDepartment adds a department to an office; one leads at a time. System
// administrators and supervisors of the office may. Conflict when the name is
// taken or another one leads.
func (l *Log) AddDepartment(ctx context.Context, by Actor, d Department) (Department, error) {
	if d.Office.IsZero() {
		d.Office = by.Office
	}
	var p problems
	d.Name = strings.TrimSpace(d.Name)
	p.needsText("name", d.Name, 100)
	if !slices.Contains(departmentKinds, d.Kind) {
		p.add("kind", isUnknown)
	}
	if err := p.err(); err != nil {
		return d, err
	}
	if !by.may(d.Office, KeepDepartments) {
		return d, forbidden("only a supervisor or system administrator of the office keeps its departments")
	}
	return write(ctx, l, by, func(tx txn) (Department, error) {
		d.ID = newID[departmentKind](tx.now, l.random)
		_, err := tx.Exec(ctx, "INSERT INTO departments (id, office_id, name, kind, created_at) VALUES ($1, $2, $3, $4, $5)", d.ID, d.Office, d.Name, d.Kind, tx.now)
		if err != nil {
			return d, fmt.Errorf("add department: %w", err)
		}
		tx.audit(d.Office, "department_added", anyID(d.ID), d.Kind)
		return d, nil
	})
}

// EndDepartment ends a department; what it did stays. The same may as add one.
func (l *Log) EndDepartment(ctx context.Context, by Actor, id DepartmentID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var office OfficeID
		err := tx.QueryRow(ctx, "SELECT office_id FROM departments WHERE id = $1 FOR UPDATE", id).Scan(&office)
		if none(err) {
			return struct{}{}, notFound("department")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read department: %w", err)
		}
		if !by.may(office, KeepDepartments) {
			return struct{}{}, forbidden("only a supervisor or system administrator of the office keeps its departments")
		}
		if _, err := tx.Exec(ctx, "UPDATE departments SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, tx.now); err != nil {
			return struct{}{}, fmt.Errorf("end department: %w", err)
		}
		tx.audit(office, "department_ended", anyID(id), "")
		return struct{}{}, nil
	})
	return err
}

// Departments lists those of the actor's offices, ended ones too. Whoever works
// with cases may, and whoever keeps departments.
func (l *Log) Departments(ctx context.Context, by Actor) ([]Department, error) {
	if !by.Holds(SeeCases, KeepDepartments) {
		return nil, forbidden("only officers, supervisors and system administrators list departments")
	}
	return read(ctx, l, by, func(tx txn) ([]Department, error) {
		rows, err := tx.Query(ctx, "SELECT id, office_id, name, kind, ended_at FROM departments WHERE $1 OR office_id = ANY ($2) ORDER BY office_id, name",
			by.Kind == System, append(by.officesFor(SeeCases), by.officesFor(KeepDepartments)...))
		if err != nil {
			return nil, fmt.Errorf("list departments: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[Department])
	})
}

// departmentIn tells whether a department works in an office.
func departmentIn(ctx context.Context, tx txn, id DepartmentID, office OfficeID) (known bool, err error) {
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM departments WHERE id = $1 AND office_id = $2 AND ended_at IS NULL)", id, office).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("read department: %w", err)
	}
	return known, nil
}

// needsText asks for a text of at most so many bytes.
func (p *problems) needsText(field, text string, most int) {
	switch {
	case strings.TrimSpace(text) == "":
		p.add(field, isRequired)
	case len(text) > most:
		p.add(field, isTooLong)
	}
}
