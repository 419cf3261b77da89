package notify

import (
	"context"
	"strconv"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/dysmsapi"
)

const (
	aliyunPage = 50 // the most the API gives at once
	// aliyunPages bounds a look-up; a number gets a few messages a day, so more means the list
	// cannot be trusted.
	aliyunPages = 10
	// aliyunKept is how far back the carrier's list reaches.
	aliyunKept = 30 * 24 * time.Hour
	// aliyunClockSkew is how far the carrier's clock may stand off ours.
	aliyunClockSkew = 10 * time.Minute
)

// Find lists the messages to the recipient of every day since, which is the carrier's own
// Chinese day, and takes the one with our id. The list names no BizId, so the receipt has none.
func (a *Aliyun) Find(ctx context.Context, m Message, since time.Time) ([]Receipt, error) {
	now := a.config.Now()
	if now.Sub(since) > aliyunKept-24*time.Hour {
		return nil, ErrCannotKnow
	}
	last := now.Add(aliyunClockSkew).In(china).Format("20060102")
	for day := since.Add(-aliyunClockSkew).In(china); ; day = day.AddDate(0, 0, 1) {
		date := day.Format("20060102")
		if date > last {
			return nil, ErrNotFound
		}
		detail, err := a.detailOn(ctx, m, date)
		switch {
		case err == nil:
			return []Receipt{{Delivery: aliyunDelivery(detail.SendStatus)}}, nil
		case err != ErrNotFound: //nolint:errorlint // detailOn's own
			return nil, err
		}
	}
}

// detailOn is what the list of a day says of the message with our id.
func (a *Aliyun) detailOn(ctx context.Context, m Message, date string) (dysmsapi.SmsSendDetailDTO, error) {
	none := dysmsapi.SmsSendDetailDTO{}
	for page, seen := 1, 0; page <= aliyunPages; page++ {
		listed, total, err := a.list(ctx, aliyunPhone(m.To), date, page)
		if err != nil {
			return none, err
		}
		for _, candidate := range listed {
			if candidate.OutId == m.ID {
				return candidate, nil
			}
		}
		seen += len(listed)
		switch {
		case seen >= total:
			return none, ErrNotFound
		case len(listed) == 0:
			return none, ErrCannotKnow // it counts more than it shows
		}
	}
	return none, ErrCannotKnow
}

func (a *Aliyun) list(ctx context.Context, phone, date string, page int) ([]dysmsapi.SmsSendDetailDTO, int, error) {
	request := dysmsapi.CreateQuerySendDetailsRequest()
	request.PhoneNumber, request.SendDate = phone, date
	request.PageSize, request.CurrentPage = requests.NewInteger(aliyunPage), requests.NewInteger(page)
	var answer *dysmsapi.QuerySendDetailsResponse
	seen, err := a.call(ctx, request.RpcRequest, func(client *dysmsapi.Client) (err error) {
		answer, err = client.QuerySendDetails(request)
		return err
	})
	var failure *SendError
	switch {
	case err != nil:
		failure = a.sendError(err, "", "", seen)
	case answer.Code != aliyunOK:
		failure = a.sendError(errUnreadable, answer.Code, answer.Message, seen)
	default:
		total, err := strconv.Atoi(answer.TotalCount)
		if err == nil {
			return answer.SmsSendDetailDTOs.SmsSendDetailDTO, total, nil
		}
		failure = a.sendError(errUnreadable, "", "", seen)
	}
	if failure.Class == Ambiguous {
		failure.Class = Temporary // reading a list twice does no harm
	}
	return nil, 0, failure
}

// aliyunDelivery maps the list's numbers; one it does not know yields "".
func aliyunDelivery(status int64) string {
	switch status {
	case 1: // no report yet
		return DeliveryQueued
	case 2:
		return DeliveryUndelivered
	case 3:
		return DeliveryDelivered
	}
	return ""
}
