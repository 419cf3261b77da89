package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type statisticsQuery struct {
	From     calendar.Date    `query:"from" format:"date" doc:"Default: twelve months before until" example:"2025-11-25"`
	Until    calendar.Date    `query:"until" format:"date" doc:"Included. Default: today in Shanghai" example:"2026-11-24"`
	OfficeID carelog.OfficeID `query:"office_id" format:"uuid" doc:"Default: all your offices"`
}

func (s *server) readStatistics(ctx context.Context, by carelog.Actor, in *statisticsQuery) (*answer[carelog.Statistics], error) {
	n, err := s.Log.Statistics(ctx, by, carelog.StatisticsFilter{Office: in.OfficeID, From: in.From, Until: in.Until})
	return &answer[carelog.Statistics]{n}, err
}
