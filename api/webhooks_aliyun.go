package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"aftercare/carelog"
	"aftercare/notify"
)

// Alibaba Cloud hangs up after 700 ms and pushes again after 1, 5 and 10 minutes,
// then never more: an answer that comes too late is a repeat, not a loss.
const (
	maxPushBytes = 256 << 10
	pushTime     = 600 * time.Millisecond
)

// aliyunReply stores the texts of a push, all before it is acknowledged (P4).
func (s *server) aliyunReply(w http.ResponseWriter, r *http.Request) {
	s.aliyunPush(w, r, "store replies", func(ctx context.Context, body []byte) (int, error, error) {
		read, unreadable, err := notify.ReadAliyunReplies(body)
		if err != nil {
			return 0, nil, err
		}
		replies := make([]carelog.Inbound, len(read))
		for i, in := range read {
			replies[i] = carelog.Inbound{
				Carrier: notify.AliyunName, CarrierMessageID: in.CarrierMessageID, From: in.From, To: in.To, Text: in.Text, SentAt: in.SentAt,
			}
		}
		return unreadable, s.Log.StoreReplies(ctx, replies), nil
	})
}

// aliyunReport stores the delivery reports of a push.
func (s *server) aliyunReport(w http.ResponseWriter, r *http.Request) {
	s.aliyunPush(w, r, "store reports", func(ctx context.Context, body []byte) (int, error, error) {
		read, unreadable, err := notify.ReadAliyunReports(body)
		if err != nil {
			return 0, nil, err
		}
		reports := make([]carelog.Report, 0, len(read))
		for _, report := range read {
			if !isCarrierWord(report.CarrierMessageID) {
				unreadable++
				continue
			}
			class := carelog.Taken
			if report.Status == notify.DeliveryUndelivered {
				class = carelog.Class(notify.AliyunDeliveryClass(report.ErrorCode))
			}
			reports = append(reports, carelog.Report{
				Carrier: notify.AliyunName, CarrierMessageID: report.CarrierMessageID, MessageID: report.MessageID,
				Status: report.RawStatus, Delivery: report.Status, ErrorCode: report.ErrorCode, Class: class,
			})
		}
		return unreadable, s.Log.StoreReports(ctx, reports), nil
	})
}

// aliyunPush takes a push from whom we trust and answers as the carrier wants it:
// code 0 is done, any other asks for it again. store tells how many elements
// could not be read, why it could not store, and why the push is none.
func (s *server) aliyunPush(w http.ResponseWriter, r *http.Request, doing string, store func(context.Context, []byte) (int, error, error)) {
	if !s.Aliyun.Trusts(r.Header.Values(notify.AliyunPushHeader), r.RemoteAddr) {
		newProblem(http.StatusForbidden, "").write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pushTime)
	defer cancel()
	body, err := s.readBody(w, r, maxPushBytes, pushTime)
	if err != nil {
		err.(*problem).write(w) //nolint:errorlint,forcetypeassert // readBody refuses with problems only
		return
	}
	unreadable, failed, wrong := store(ctx, body)
	switch {
	case wrong != nil:
		s.Slog.WarnContext(r.Context(), "push cannot be read", "id", requestID(r.Context()), "doing", doing, "bytes", len(body))
		pushed(w, http.StatusBadRequest, 2, "not a list")
		return
	case failed != nil:
		s.Slog.ErrorContext(r.Context(), "webhook not stored", "id", requestID(r.Context()), "doing", doing, "cause", failed.Error())
		pushed(w, http.StatusServiceUnavailable, 1, "not stored: push it again")
		return
	case unreadable > 0:
		s.Slog.WarnContext(r.Context(), "elements of a push cannot be read", "id", requestID(r.Context()), "doing", doing, "count", unreadable)
	}
	pushed(w, http.StatusOK, 0, "stored")
}

// pushed answers a push in the carrier's own form.
func pushed(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Code    int    `json:"code"`
		Message string `json:"msg"`
	}{code, message})
}
