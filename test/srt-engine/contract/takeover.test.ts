import '../direct-peers.ts';
import '../../native/takeover.test.ts';
