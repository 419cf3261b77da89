package web

import (
	"net/http"

	"aftercare/carelog"
)

// contactPage is the village contacts of the reader's offices, oldest first.
type contactPage struct {
	Contacts []carelog.VillageContact
	After    string // the id to go on with; empty: all are shown
}

func (s *console) contacts(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	wanted, err := carelog.PageAfter(r.URL.Query().Get("after"), pageLength)
	if err != nil {
		return errNoPage
	}
	found, err := s.Log.Contacts(r.Context(), by, wanted)
	if err != nil {
		return err
	}
	shown := contactPage{Contacts: found}
	if len(found) == pageLength {
		shown.After = found[pageLength-1].ID.String()
	}
	s.show(w, r, &by, http.StatusOK, page{Name: "contacts", Data: shown})
	return nil
}
