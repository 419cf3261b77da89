package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
)

// PageParams are the query parameters of every list. Exported because Huma reads
// the fields of embedded structs only then.
type PageParams struct {
	Cursor string `query:"cursor" maxLength:"400" doc:"next_cursor of the page before; empty for the first page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Rows a page"`

	asked url.URL
}

// Resolve keeps the address that was asked for, for the link to the next page.
func (p *PageParams) Resolve(ctx huma.Context) []error {
	p.asked = ctx.URL()
	return nil
}

// listed is a page of a list.
type listed[T any] struct {
	Link string `header:"Link" doc:"RFC 8288: the next page, rel=next"`
	Body listBody[T]
}

type listBody[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Opaque; absent on the last page. A full page may be followed by an empty one"`
}

// position is where a list goes on. It is sent as base64 of JSON and holds ids
// and dates only; the rows behind it are checked against the caller anew.
type position struct {
	List  string `json:"l"` // a cursor of one list is no cursor of another
	After string `json:"a,omitempty"`
	Due   string `json:"d,omitempty"`
	Seq   int64  `json:"s,omitempty"`
}

func (p position) String() string {
	plain, err := json.Marshal(p)
	if err != nil {
		panic("a position is plain data: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(plain)
}

// position reads the cursor of a list; the zero one is the first page's.
func (p *PageParams) position(list string) (position, error) {
	at := position{List: list}
	if p.Cursor == "" {
		return at, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(plain, &at)
	}
	if err != nil || at.List != list || at.Seq < 0 {
		return at, badCursor()
	}
	return at, nil
}

func badCursor() error {
	return newProblem(http.StatusUnprocessableEntity, "the request cannot be accepted", &huma.ErrorDetail{Location: "query.cursor", Message: "is no cursor of this list: use next_cursor of the page before"})
}

// page makes a page of rows shown. next is where the list goes on, asked for only
// when the page is full.
func page[R, T any](p *PageParams, rows []R, show func(R) T, next func(last R) position) *listed[T] {
	out := &listed[T]{Body: listBody[T]{Items: make([]T, len(rows))}}
	for i, row := range rows {
		out.Body.Items[i] = show(row)
	}
	if len(rows) == 0 || len(rows) < p.Limit {
		return out
	}
	out.goOn(p, next(rows[len(rows)-1]))
	return out
}

func (l *listed[T]) goOn(p *PageParams, at position) {
	query := p.asked.Query()
	l.Body.NextCursor = at.String()
	query.Set("cursor", l.Body.NextCursor)
	query.Set("limit", strconv.Itoa(p.Limit))
	link := url.URL{Path: p.asked.Path, RawQuery: query.Encode()}
	l.Link = fmt.Sprintf("<%s>; rel=\"next\"", link.String())
}

// after is the care log's page behind the cursor of a list that goes by ids.
func (p *PageParams) after(list string) (carelog.Page, error) {
	at, err := p.position(list)
	if err != nil {
		return carelog.Page{}, err
	}
	rows, err := carelog.PageAfter(at.After, p.Limit)
	if err != nil {
		return carelog.Page{}, badCursor()
	}
	return rows, nil
}
