package web

import (
	"net/http"
	"time"

	"aftercare/carelog"
)

const pageLength = 50

// taskPage is the open work for people, oldest first.
type taskPage struct {
	Tasks []taskLine
	After string // the id to go on with; empty: all are shown
	Now   time.Time
}

type taskLine struct {
	carelog.Task
	Late bool
	Form *form
}

func (s *console) tasks(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showTasks(w, r, by, http.StatusOK, carelog.TaskID{}, nil)
}

// showTasks lists the tasks. The one of wrong shows its form as it was typed.
func (s *console) showTasks(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, wrong carelog.TaskID, typed *form) error {
	wanted, err := carelog.PageAfter(r.URL.Query().Get("after"), pageLength)
	if err != nil {
		return errNoPage
	}
	found, err := s.Log.Tasks(r.Context(), by, wanted)
	if err != nil {
		return err
	}
	shown := taskPage{Now: s.Log.Now()}
	for _, task := range found {
		line := taskLine{Task: task, Form: newForm("t-"+task.ID.String(), nil)}
		line.Late = task.ActBy != nil && task.ActBy.Before(shown.Now)
		if task.ID == wrong {
			line.Form = typed
		}
		shown.Tasks = append(shown.Tasks, line)
	}
	if len(found) == pageLength {
		shown.After = found[pageLength-1].ID.String()
	}
	s.show(w, r, &by, status, page{Name: "tasks", Data: shown})
	return nil
}

// resolveTask ends a task with what was done about it. The form keeps the page
// of the list it stood on.
func (s *console) resolveTask(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.TaskID
	if err := idIn(r, &id); err != nil {
		return err
	}
	typed := newForm("t-"+id.String(), r.PostForm)
	if err := s.Log.ResolveTask(r.Context(), by, id, typedText(typed, "outcome")); err != nil {
		if err := typed.refused(err); err != nil {
			return err
		}
		return s.showTasks(w, r, by, http.StatusUnprocessableEntity, id, typed)
	}
	return done(w, r, "/tasks", "resolved")
}
