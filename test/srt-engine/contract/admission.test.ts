import '../direct-peers.ts';
import '../../native/admission.test.ts';
