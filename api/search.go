package api

import (
	"context"

	"aftercare/carelog"
)

// searching is a post, so that no name and no number stands in an address.
type searching struct {
	Body struct {
		Q string `json:"q" maxLength:"100" doc:"Words that must all fit: a masked name or surname, a village or township, your own number, a task code, the last four characters of a phone or identity number" example:"逯 0017"`
	}
}

func (s *server) searchFiles(ctx context.Context, by carelog.Actor, in *searching) (*answer[carelog.Hits], error) {
	found, err := s.Log.Search(ctx, by, in.Body.Q)
	return &answer[carelog.Hits]{found}, err
}
