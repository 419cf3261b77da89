package api

import (
	"context"

	"aftercare/carelog"
)

type tokensOf struct {
	UserID carelog.UserID `query:"user_id" format:"uuid" doc:"Yourself when left out"`
}

type tokensBody struct {
	Items []carelog.IssuedToken `json:"items" nullable:"false"`
}

func (s *server) listTokens(ctx context.Context, by carelog.Actor, in *tokensOf) (*answer[tokensBody], error) {
	found, err := s.Log.Tokens(ctx, by, in.UserID)
	if err != nil {
		return nil, err
	}
	return &answer[tokensBody]{tokensBody{found}}, nil
}

type oneToken struct {
	TokenID carelog.TokenID `path:"token_id" format:"uuid"`
}

func (s *server) revokeToken(ctx context.Context, by carelog.Actor, in *oneToken) (*struct{}, error) {
	return nil, s.Log.EndToken(ctx, by, in.TokenID)
}

type granting struct {
	UserID carelog.UserID `path:"user_id" format:"uuid"`
	Body   struct {
		OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out"`
		Role     string           `json:"role" enum:"officer,supervisor,system_administrator,security_administrator,audit_administrator,integration"`
		Position string           `json:"position,omitempty" enum:"head,deputy,office" doc:"A supervisor's place on the ladder; head when left out"`
	}
}

func (g *granting) grant(by carelog.Actor) carelog.NewGrant {
	n := carelog.NewGrant{User: g.UserID, Office: g.Body.OfficeID, Role: carelog.Role(g.Body.Role), Position: g.Body.Position}
	if n.Office.IsZero() {
		n.Office = by.Office
	}
	return n
}

func (s *server) grantRole(ctx context.Context, by carelog.Actor, in *granting) (*struct{}, error) {
	return nil, s.Log.GrantRole(ctx, by, in.grant(by))
}

func (s *server) withdrawRole(ctx context.Context, by carelog.Actor, in *granting) (*struct{}, error) {
	return nil, s.Log.WithdrawRole(ctx, by, in.grant(by))
}

type auditQuery struct {
	PageParams
	Act       string         `query:"act" maxLength:"60" pattern:"^[a-z_]*$" doc:"Such as history_read"`
	PersonID  carelog.UserID `query:"person_id" format:"uuid" doc:"Who did it"`
	SubjectID carelog.AnyID  `query:"subject_id" format:"uuid" doc:"Whom or what it was done to"`
}

func (s *server) readAudit(ctx context.Context, by carelog.Actor, in *auditQuery) (*listed[carelog.AuditEntry], error) {
	const list = "audit"
	at, err := in.position(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Audit(ctx, by, carelog.AuditFilter{Act: in.Act, Person: in.PersonID, Subject: in.SubjectID, Before: at.Seq, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, func(e carelog.AuditEntry) carelog.AuditEntry { return e }, func(last carelog.AuditEntry) position {
		return position{List: list, Seq: last.Seq}
	}), nil
}
