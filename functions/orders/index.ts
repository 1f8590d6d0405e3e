// Takes the orders of a queue, several at a time. What cannot be done is named in the answer and comes again; the rest is done with.
//
//   aws sqs create-queue --queue-name orders
//   aws lambda create-event-source-mapping --function-name orders --batch-size 10 \
//     --event-source-arn arn:aws:sqs:local:000000000000:orders --function-response-types ReportBatchItemFailures

interface Message {
  messageId: string;
  body: string;
}

interface Order {
  id: string;
  items: { price: number; count: number }[];
}

function total(order: Order): number {
  const sum = order.items.reduce((sum, item) => sum + item.price * item.count, 0);
  if (!Number.isFinite(sum) || sum <= 0) throw new RangeError(`order ${order.id} is worth nothing`);
  return sum;
}

export const handler = async (event: { Records: Message[] }) => {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const message of event.Records) {
    try {
      const order: Order = JSON.parse(message.body);
      console.log(`order ${order.id}: ${total(order).toFixed(2)}`);
    } catch (error) {
      console.error(`${message.messageId}: ${error}`);
      batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return { batchItemFailures };
};
