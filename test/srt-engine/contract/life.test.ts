import '../direct-peers.ts';
import '../../native/life.test.ts';
