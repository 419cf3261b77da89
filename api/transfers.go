package api

import (
	"context"

	"aftercare/carelog"
)

type transferring struct{ Body transferringBody }

type transferringBody struct {
	Plans  []carelog.PlanID `json:"plan_ids,omitempty" maxItems:"500" nullable:"false" doc:"Or from: every open plan of an officer"`
	From   string           `json:"from,omitempty" maxLength:"100" doc:"Login of the officer whose open plans are all handed over"`
	To     string           `json:"to" maxLength:"100" doc:"Login of an officer of the office"`
	Reason string           `json:"reason" maxLength:"2000"`
}

func showTransfer(t carelog.Transfer, err error) (*answer[carelog.Transfer], error) {
	if err != nil {
		return nil, err
	}
	return &answer[carelog.Transfer]{t}, nil
}

func (s *server) transferPlans(ctx context.Context, by carelog.Actor, in *transferring) (*answer[carelog.Transfer], error) {
	return showTransfer(s.Log.TransferPlans(ctx, by, carelog.NewTransfer(in.Body)))
}

type officeTransfer struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   officeTransferBody
}

type officeTransferBody struct {
	Office string `json:"office_code" maxLength:"20" doc:"Of the office where the household lives now" example:"370321"`
	Reason string `json:"reason" maxLength:"2000"`
}

func (s *server) transferToOffice(ctx context.Context, by carelog.Actor, in *officeTransfer) (*answer[carelog.Transfer], error) {
	return showTransfer(s.Log.TransferToOffice(ctx, by, in.PlanID, in.Body.Office, in.Body.Reason))
}

func (s *server) listTransfers(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[carelog.Transfer], error) {
	const list = "transfers"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	transfers, err := s.Log.Transfers(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	same := func(t carelog.Transfer) carelog.Transfer { return t }
	return page(in, transfers, same, func(last carelog.Transfer) position { return position{List: list, After: last.ID.String()} }), nil
}

type transferPath struct {
	TransferID carelog.TransferID `path:"transfer_id" format:"uuid"`
}

type offeredBody struct {
	Plans []carelog.OfferedPlan `json:"plans" nullable:"false"`
}

func (s *server) readOfferedPlans(ctx context.Context, by carelog.Actor, in *transferPath) (*answer[offeredBody], error) {
	plans, err := s.Log.OfferedPlans(ctx, by, in.TransferID)
	if plans == nil {
		plans = []carelog.OfferedPlan{}
	}
	return &answer[offeredBody]{offeredBody{plans}}, err
}

type accepting struct {
	TransferID carelog.TransferID `path:"transfer_id" format:"uuid"`
	Body       acceptingBody
}

type acceptingBody struct {
	Plans      []carelog.PlanID  `json:"plan_ids,omitempty" maxItems:"500" nullable:"false" doc:"Of the act; absent: all that wait"`
	Officer    string            `json:"officer,omitempty" maxLength:"100" doc:"Of another office's plan: the login of who looks after it here; absent: you"`
	Village    villageBody       `json:"village,omitzero" doc:"Of another office's plan: where the household lives now"`
	Primary    carelog.ContactID `json:"primary_contact_id,omitempty" format:"uuid" doc:"Absent: nobody, and a task says so"`
	Backup     carelog.ContactID `json:"backup_contact_id,omitempty" format:"uuid"`
	ExternalID string            `json:"external_id,omitempty" maxLength:"100" doc:"Where the sender's number is taken here"`
}

func (s *server) acceptTransfer(ctx context.Context, by carelog.Actor, in *accepting) (*answer[carelog.Transfer], error) {
	b := in.Body
	return showTransfer(s.Log.AcceptTransfer(ctx, by, in.TransferID, carelog.Acceptance{
		Plans: b.Plans, Officer: b.Officer, Village: carelog.VillageName(b.Village), Primary: b.Primary, Backup: b.Backup, ExternalID: b.ExternalID,
	}))
}

type refusing struct {
	TransferID carelog.TransferID `path:"transfer_id" format:"uuid"`
	Body       refusingBody
}

type refusingBody struct {
	Plans  []carelog.PlanID `json:"plan_ids,omitempty" maxItems:"500" nullable:"false" doc:"Of the act; absent: all that wait"`
	Reason string           `json:"reason" maxLength:"2000"`
}

func (s *server) declineTransfer(ctx context.Context, by carelog.Actor, in *refusing) (*answer[carelog.Transfer], error) {
	return showTransfer(s.Log.DeclineTransfer(ctx, by, in.TransferID, in.Body.Plans, in.Body.Reason))
}

func (s *server) withdrawTransfer(ctx context.Context, by carelog.Actor, in *refusing) (*answer[carelog.Transfer], error) {
	return showTransfer(s.Log.WithdrawTransfer(ctx, by, in.TransferID, in.Body.Plans, in.Body.Reason))
}
