// An app that a user has: the stock SDK and nothing of ours. Where it sends is said by OTEL_* variables alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const rounds = 300

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	spanExporter, spanErr := otlptracehttp.New(ctx)
	logExporter, logErr := otlploghttp.New(ctx)
	metricExporter, metricErr := otlpmetrichttp.New(ctx)
	if err := errors.Join(spanErr, logErr, metricErr); err != nil {
		return err
	}
	spans := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spanExporter))
	records := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logExporter)))
	points := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metricExporter)))

	tracer, logger := spans.Tracer("app"), records.Logger("app")
	orders, err := points.Meter("app").Int64Counter("orders")
	if err != nil {
		return err
	}
	for number := range rounds {
		ctx, span := tracer.Start(ctx, "GET /orders", trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.Int("order.id", number)))
		var record log.Record
		record.SetSeverity(log.SeverityWarn)
		record.SetBody(attribute.StringValue(fmt.Sprintf("order %d", number)))
		logger.Emit(ctx, record)
		orders.Add(ctx, 1)
		span.End()
	}
	return errors.Join(spans.Shutdown(ctx), records.Shutdown(ctx), points.Shutdown(ctx))
}
