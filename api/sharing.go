package api

import (
	"context"

	"aftercare/carelog"
)

type sharing struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   struct {
		OfficeCode string `json:"office_code" maxLength:"20" doc:"Of the other office" example:"370300"`
		Reason     string `json:"reason" maxLength:"2000"`
	}
}

func (s *server) sharePlan(ctx context.Context, by carelog.Actor, in *sharing) (*struct{}, error) {
	return nil, s.Log.SharePlan(ctx, by, in.PlanID, in.Body.OfficeCode, in.Body.Reason)
}

type endingShare struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   struct {
		Reason string `json:"reason" maxLength:"2000"`
	}
}

func (s *server) stopSharing(ctx context.Context, by carelog.Actor, in *endingShare) (*struct{}, error) {
	return nil, s.Log.StopSharing(ctx, by, in.PlanID, in.Body.Reason)
}
