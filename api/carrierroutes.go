package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type carrierRouteBody struct {
	Country  string           `json:"country" doc:"Calling code, +86; *: every country without a route of its own"`
	LineID   carelog.LineID   `json:"line_id" format:"uuid"`
	Carrier  string           `json:"carrier"`
	Ending   string           `json:"ending" doc:"The last four digits of the line's number"`
	OfficeID carelog.OfficeID `json:"office_id" format:"uuid" doc:"That set it: this one or one above"`
	SetAt    time.Time        `json:"set_at"`
	Heard    bool             `json:"heard" doc:"Replies from there reach us through the carrier"`
}

type routableLineBody struct {
	LineID  carelog.LineID `json:"line_id" format:"uuid"`
	Carrier string         `json:"carrier"`
	Ending  string         `json:"ending"`
}

type routingBody struct {
	Routes []carrierRouteBody `json:"routes" nullable:"false"`
	Lines  []routableLineBody `json:"lines" nullable:"false" doc:"That the office may be routed over"`
}

func (s *server) readRouting(ctx context.Context, by carelog.Actor, in *officePath) (*answer[routingBody], error) {
	found, err := s.Log.Routing(ctx, by, in.OfficeID)
	if err != nil {
		return nil, err
	}
	body := routingBody{make([]carrierRouteBody, len(found.Routes)), make([]routableLineBody, len(found.Lines))}
	for i, r := range found.Routes {
		body.Routes[i] = carrierRouteBody{r.Country, r.Line, r.Carrier, r.Ending, r.Office, r.SetAt, r.Heard}
	}
	for i, n := range found.Lines {
		body.Lines[i] = routableLineBody{n.Line, n.Carrier, n.Ending}
	}
	return &answer[routingBody]{body}, nil
}

type settingRoute struct {
	OfficeID carelog.OfficeID `path:"office_id" format:"uuid"`
	Body     struct {
		Country string         `json:"country" maxLength:"4" example:"+86"`
		LineID  carelog.LineID `json:"line_id,omitzero" format:"uuid" doc:"Absent: the route ends"`
	}
}

func (s *server) setRoute(ctx context.Context, by carelog.Actor, in *settingRoute) (*struct{}, error) {
	return nil, s.Log.SetRoute(ctx, by, in.OfficeID, in.Body.Country, in.Body.LineID)
}
