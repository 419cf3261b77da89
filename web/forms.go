package web

import (
	"crypto/rand"
	"errors"
	"net/url"

	"aftercare/carelog"
)

// form is what was typed into one form of a page, and what is wrong with it.
type form struct {
	ID       string // stands before the ids of its fields: two forms of a page may share names
	Once     string // makes a form that is sent twice count once
	Problems []problem
	typed    url.Values
}

// problem is a sentence about one field.
type problem struct{ Form, Name, Text string }

// newForm is a form with what was typed, or an empty one.
func newForm(id string, typed url.Values) *form {
	return &form{ID: id, Once: rand.Text(), typed: typed}
}

func (f *form) add(name, text string) {
	f.Problems = append(f.Problems, problem{f.ID, name, text})
}

// refused takes a refusal's field errors into the form. It returns every other
// error as it came, for a page of its own.
func (f *form) refused(err error) error {
	var refusal *carelog.Error
	if !errors.As(err, &refusal) || refusal.Kind != carelog.Invalid || len(refusal.Fields) == 0 {
		return err
	}
	for _, field := range refusal.Fields {
		f.add(field.Field, field.Chinese)
	}
	return nil
}

// Value is what was typed into a field.
func (f *form) Value(name string) string { return f.typed.Get(name) }

// Or is what was typed into a field, or else a value to begin with.
func (f *form) Or(name, otherwise string) string {
	if f.typed.Has(name) {
		return f.typed.Get(name)
	}
	return otherwise
}

// At is the problems of one field.
func (f *form) At(name string) []problem {
	var found []problem
	for _, p := range f.Problems {
		if p.Name == name {
			found = append(found, p)
		}
	}
	return found
}
